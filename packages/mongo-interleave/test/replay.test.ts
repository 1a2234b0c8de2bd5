import { MongoClient } from 'mongodb';
import { createTestDatabaseName, exploringSet } from 'test-kit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { interleave, type InterleaveSession } from '../src/index.ts';
import type { Execution } from '../src/run/execution.ts';
import { findDifference } from '../src/run/find-difference.ts';
import type { Runner } from '../src/run/runner.ts';
import { nothingKnown } from '../src/run/shared-knowledge.ts';
import { Worker } from '../src/run/worker.ts';
import type { Scheduler } from '../src/schedule/scheduler.ts';
import { explore } from '../src/strategy/explore.ts';
import { replay } from '../src/strategy/replay.ts';
import { checkedClaim, createCollections, inTransaction, rotationScenario } from './support/rotation.ts';

const set = exploringSet();
const database = createTestDatabaseName('replay');
const control = new MongoClient(set.uri);
beforeAll(() => createCollections(control.db(database)));
afterAll(() => control.close());

const rotations = (flow: typeof checkedClaim, clients = 2): Promise<InterleaveSession<string>> =>
  interleave({ uri: set.uri, database, clients, flow, showFields: ['keyId'], ...rotationScenario });

/** Replays of each of 50 tokens; 20 of them make a thousand. */
const REPLAYS = Number(process.env['INTERLEAVE_REPLAYS'] ?? 3);

describe('a token gives the same commands, replies and outcomes each time', () => {
  test.each([
    ['checked-claim, 2 clients', checkedClaim, 2, 10],
    ['checked-claim, 3 clients', checkedClaim, 3, 25],
    ['a transaction, 2 clients', inTransaction, 2, 5],
    ['a transaction, 3 clients', inTransaction, 3, 10],
  ])('%s', { timeout: 30_000 + 3_000 * REPLAYS }, async (_name, flow, clients, tokens) => {
    const known = nothingKnown();
    const worker = await Worker.open({ uri: set.uri, database, clients, flow, ...rotationScenario }, known);
    try {
      const first: Execution<string>[] = [];
      const execute = async (scheduler: Scheduler): Promise<Execution<string>> => {
        const execution = await worker.execute(scheduler);
        first.push(execution);
        return execution;
      };
      const recording: Runner<string> = {
        execute,
        judge: (execution) => worker.judge(execution),
        recheckStart: () => worker.recheckStart(),
        expectPossible: (faults) => worker.expectPossible(faults),
      };
      await explore({ maxRuns: tokens }, [recording], { clients: 3, ...known });
      expect(first).toHaveLength(tokens);
      for (const { steps, token, trace, outcomes } of first) {
        for (let time = 0; time < REPLAYS; time++) {
          const again = await replay(worker, token);
          expect(findDifference(steps, again.steps)).toBeUndefined();
          expect(again).toMatchObject({ token, trace, outcomes });
        }
      }
    } finally {
      await worker.close();
    }
  });
});

test('each step is told, with its client, before the client goes on', async () => {
  let told = '';
  await using scenario = await interleave({
    uri: set.uri,
    database,
    clients: 2,
    onStep: ({ client }, db) => void (told += db.databaseName === database ? 'AB'.charAt(client) : '?'),
    ...rotationScenario,
    flow: async (client, db) => {
      const before = told;
      await checkedClaim(client, db);
      return told.slice(before.length);
    },
  });
  const { outcomes } = await scenario.run('v1:AAAAAAB');
  expect(told).toBe('AAAAAAB');
  expect(outcomes).toMatchObject([{ value: 'AAAAAA' }, { value: 'AAAAAAB' }]);
});

describe('a schedule that does not fit is refused, and says why', () => {
  const serial = 'v1:AAAAAAB';

  test.each([
    ['a client that is done', 'v1:AAAAAAAB', 'Step 7 of the schedule is A, but there is B0 find keys'],
    ['a second command where there is one', 'v1:A2', 'Step 1 of the schedule is A2, but there is A0 find keys'],
    ['too few steps', 'v1:AAA', 'The schedule ends after 3 steps, but there is A3 delete keys'],
    ['too many steps', `${serial}A`, 'The run was over after 7 steps, but the schedule v1:AAAAAABA has 8'],
  ])('%s', async (_what, token, message) => {
    await using scenario = await rotations(checkedClaim);
    await expect(scenario.run(token)).rejects.toThrow(
      expect.objectContaining({ code: 'diverged', message: expect.stringContaining(message) }),
    );
    // Nothing hangs at the gate: the next run is as good as any.
    expect(await scenario.run(serial)).toMatchObject({ token: serial, verdict: { kind: 'valid' } });
  });

  test('a flow that takes other ways is found out while exploring', async () => {
    let runs = 0;
    await using scenario = await interleave({
      uri: set.uri,
      database,
      clients: 2,
      ...rotationScenario,
      reset: async (db) => {
        runs++;
        await rotationScenario.reset(db);
      },
      flow: async (_client, db) => {
        const keys = db.collection('keys');
        await db.collection('backups').findOne({});
        await (runs > 2 ? keys.findOne({}) : keys.deleteOne({}));
        return 'rotated';
      },
    });
    const { violations, complete } = await scenario.explore();
    expect(violations).toMatchObject([
      { verdict: { kind: 'violated' } },
      {
        verdict: {
          kind: 'unknown',
          error: { code: 'diverged', message: expect.stringMatching(/A1 find keys.* A1 delete keys/) },
        },
      },
    ]);
    expect(complete).toBe(false);
  });
});

test('runs that are asked for at once are made one after the other', async () => {
  await using scenario = await rotations(checkedClaim);
  const tokens = ['v1:AAAAAAB', 'v1:BBBBBBA', 'v1:AAAAAAB'];
  const results = await Promise.all(tokens.map((token) => scenario.run(token)));
  expect(results.map(({ token, verdict }) => [token, verdict.kind])).toEqual(tokens.map((token) => [token, 'valid']));
});
