import { planStorms, runStorms } from 'mongo-harness/testing';
import { startReplicaSet, type ReplicaSet } from 'mongo-test-replica-set';
import { MongoClient } from 'mongodb';
import { afterAll, expect, test } from 'vitest';
import rotationSystem from '../src/rotation-system.ts';
import { createTestContext } from './support/test-context.ts';

const set = await startReplicaSet({ members: 1 });
afterAll(() => set.stop());

const context = createTestContext();
const MAX_TEST_MS = 120_000;

async function endByItself({ uri }: ReplicaSet): Promise<void> {
  await using client = new MongoClient(uri);
  const { pid } = await client.db('admin').command({ serverStatus: 1 });
  process.kill(Number(pid), 'SIGABRT');
}

test('a member that ends by itself is told, and the next storm has it again', { timeout: MAX_TEST_MS }, async () => {
  let hasEnded = false;
  const failing: ReplicaSet = {
    ...set,
    stepDown: async () => {
      if (!hasEnded) await endByItself(set);
      hasEnded = true;
      return await set.stepDown();
    },
  };
  const trials = planStorms(rotationSystem, {
    scenario: 'many-keys',
    deployment: 'keypool',
    processes: 1,
    size: { keys: 20, callers: 40 },
    seed: 1,
    rounds: { forMs: 1, faults: ['step-down'], everyMs: 1_000, roundMs: 15_000, goOn: false },
  });
  const signal = new AbortController().signal;
  const rows = await runStorms({ ...context, signal }, { uri: set.uri, set: failing }, [...trials, ...trials]);
  const [{ host, port } = { host: '', port: 0 }] = set.members;
  expect(rows.map(({ verdict }) => verdict)).toEqual(['unknown', 'valid']);
  expect(rows[0]?.reason).toMatch(/^round 1: ReplicaSetError: No primary within 20000 ms: /);
  expect(rows[0]?.reason).toContain(`; ${host}:${port} had ended by itself (SIGABRT)`);
});
