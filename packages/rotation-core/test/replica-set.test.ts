import { startReplicaSet } from 'mongo-test-replica-set';
import { MongoClient, type Db } from 'mongodb';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createRotator, type RotationEvent } from '../src/index.ts';
import { createRotatorOf } from '../src/testing.ts';
import { backups, binding, key, seed } from './support/documents.ts';
import { flowWithBefore } from './support/flows.ts';
import { createGate } from './support/gate.ts';
import { asRotated, rejection } from './support/outcomes.ts';
import { archivingPool as pool } from './support/pools.ts';

/* Three members, of which one is taken down. */
const set = await startReplicaSet({ setParameters: { transactionLifetimeLimitSeconds: 60 } });
const clients: MongoClient[] = [];
const connect = async (uri: string): Promise<Db> => {
  const client = await new MongoClient(uri).connect();
  clients.push(client);
  return client.db('rotation_test');
};
const db = await connect(set.uri);
afterAll(async () => {
  await Promise.all(clients.map((client) => client.close()));
  await set.stop();
});

const withOption = (option: string): string => `${set.uri}${set.uri.includes('?') ? '&' : '/?'}${option}`;

describe('with all members', () => {
  beforeAll(() => createRotator(db, pool).ensureIndexes());

  // Red where a poll asks with the read preference of the client: a secondary knows nothing of the primary's transactions.
  test.each(['secondary', 'secondaryPreferred', 'nearest'])(
    'a rotation that a client left open is ended for a client that reads from %s',
    async (preference) => {
      await seed(db, pool, { keys: [key('k1')], backups: backups(5), bindings: [binding('p1', 'k1')] });
      const gate = createGate();
      const held = createRotatorOf(flowWithBefore('moveBindings', gate.pass), db, pool).rotate('k1', {
        deadlineMs: 30_000,
      });
      await gate.reached;
      const rotatorDb = await connect(withOption(`readPreference=${preference}`));
      const events: RotationEvent[] = [];
      const rotator = createRotator(rotatorDb, pool, {
        endAbandonedAfterMs: 1_000,
        onEvent: (event) => events.push(event),
      });
      const { replacement } = asRotated(await rotator.rotate('k1'));
      expect(events).toContainEqual({ type: 'abandoned-ended', pool: pool.name, transactions: 1 });
      gate.open();
      expect(await held).toEqual({ kind: 'already-rotated', keyId: 'k1', replacement });
    },
  );

  // Red where each retry is called a conflict: 26 retries said nothing of a secondary.
  test('a client of one secondary is told so by each verb', async () => {
    const primary = await set.primary();
    const secondary = set.members.find(({ index }) => index !== primary.index);
    const direct = await connect(`mongodb://127.0.0.1:${String(secondary?.port)}/?directConnection=true`);
    const events: RotationEvent[] = [];
    const rotator = createRotator(direct, pool, { maxAttempts: 2, onEvent: (event) => events.push(event) });
    expect(await rotator.rotate('k1')).toEqual({ kind: 'busy', keyId: 'k1' });
    const failure = {
      reason: 'unreachable',
      error: expect.stringMatching(/^Not(WritablePrimary|PrimaryNoSecondaryOk) \(/),
    };
    expect(events).toMatchObject([
      { type: 'retried', ...failure },
      { type: 'busy', ...failure },
    ]);
    const error = await rejection(rotator.bind({ proxyId: 'p1', keyId: 'k1' }), 'database');
    expect(error.message).toMatch(
      /^bind: the server refused updateMany on keys \(touchKeys\): .* not the primary\. .* Nothing was changed\.$/,
    );
  });
});

// Red without commitQuorum: the server waits for the member that is down, and the call never ends.
test('ensureIndexes ends while one of three members is down', async () => {
  await db.dropDatabase();
  const primary = await set.primary();
  const secondary = set.members.find(({ index }) => index !== primary.index);
  if (secondary === undefined) throw new TypeError('there are three members');
  await set.killMember(secondary);
  const rotator = createRotator(db, pool);
  await rotator.ensureIndexes({ deadlineMs: 30_000 });
  expect(await rotator.checkIndexes()).toEqual([]);
  await seed(db, pool, { keys: [key('k1')], backups: backups(5) });
  asRotated(await rotator.rotate('k1'));
});
