import { setTimeout as sleep } from 'node:timers/promises';
import { startReplicaSet, type Member } from 'mongo-test-replica-set';
import { MongoClient, type Document } from 'mongodb';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createRotator, type RotationEvent, type Rotator } from '../src/index.ts';
import { backup, binding, key, readState, seed, usedOf } from './support/documents.ts';
import { countKinds } from './support/outcomes.ts';
import { deletingPool as pool } from './support/pools.ts';

/* Three members. The primary dies or freezes while commands of rotations are under way: no caller is told an error. */
const APP_NAME = 'failover';
const set = await startReplicaSet({ setParameters: { transactionLifetimeLimitSeconds: 60 } });
const client = await new MongoClient(set.uri, { appName: APP_NAME }).connect();
const db = client.db('rotation_test');
const observer = await new MongoClient(set.uri).connect();
const observed = observer.db('rotation_test');
afterAll(async () => {
  await Promise.all([client.close(), observer.close()]);
  await set.stop();
});

const CALLERS = 16;
const ids = Array.from({ length: CALLERS }, (_, index) => String(index).padStart(2, '0'));
const events: RotationEvent[] = [];
const open = (): Rotator =>
  createRotator(db, pool, {
    maxBatchSize: 1,
    maxTransactions: 4,
    deadlineMs: 30_000,
    onEvent: (event) => events.push(event),
  });

beforeEach(async () => {
  events.length = 0;
  await createRotator(observed, pool, { deadlineMs: 30_000 }).ensureIndexes();
  await seed(observed, pool, {
    keys: ids.map((id) => key(`k${id}`)),
    backups: ids.map((id) => backup(`b${id}`)),
    bindings: ids.map((id) => binding(`p${id}`, `k${id}`)),
  });
});

let down: Member | undefined;
afterEach(async () => {
  if (down !== undefined) await set.restartMember(down);
  down = undefined;
});

/** Until a failover: the fail point is of one process, and the next primary does not have it. */
async function hangCommands(data: Document): Promise<void> {
  await db.command({ ping: 1 });
  await observer.db('admin').command({ configureFailPoint: 'failCommand', mode: 'alwaysOn', data });
}

/** By then the commands hang. */
const HUNG_MS = 700;

/** No backup was wasted, and no binding lost. */
async function expectWhole(): Promise<void> {
  const { keys, bindings } = await readState(observed, pool);
  expect(usedOf(await readState(observed, pool))).toHaveLength(CALLERS);
  expect(keys).toHaveLength(CALLERS);
  expect(new Set(bindings.map(({ keyId }) => keyId))).toEqual(new Set(keys.map(({ _id }) => _id)));
}

// Red where only labels tell what may be tried again: 13 of 16 callers got an error, and none a doubt.
describe.each(['find', 'delete', 'update', 'commitTransaction'])(
  'the primary is killed in the midst of four %s',
  (name) => {
    test('all are rotated', { timeout: 60_000 }, async () => {
      const hang = { failCommands: [name], blockConnection: true, blockTimeMS: 5_000, appName: APP_NAME };
      await hangCommands(hang);
      const rotator = open();
      const calls = Promise.all(ids.map((id) => rotator.rotate(`k${id}`)));
      await sleep(HUNG_MS);
      down = await set.killMember('primary');
      expect(countKinds(await calls)).toEqual({ rotated: CALLERS });
      await expectWhole();
    });
  },
);

// Red where a verb repeats only its transactions: findRotation, sweep's first read and handleFailure's write are single commands.
test('the primary is killed in the midst of every verb: none throws', { timeout: 60_000 }, async () => {
  const rotator = open();
  const first = await rotator.rotate('k00');
  if (first.kind !== 'rotated') throw new TypeError('unreachable');
  await hangCommands({
    failCommands: ['find', 'update', 'aggregate', 'findAndModify', 'insert'],
    blockConnection: true,
    blockTimeMS: 5_000,
    appName: APP_NAME,
  });
  const calls = Promise.all([
    rotator.bind({ proxyId: 'p', keyId: 'k01' }),
    rotator.findRotation(first.rotationId),
    rotator.restoreBackup('b15'),
    rotator.sweep(),
    rotator.handleFailure(key('k02'), { status: 429 }),
    rotator.handleFailure(key('k03'), { status: 401 }),
  ]);
  await sleep(HUNG_MS);
  down = await set.killMember('primary');
  expect(await calls).toMatchObject([
    { kind: 'bound' },
    { keyId: 'k00' },
    {},
    { moved: 0 },
    { kind: 'cooling-down' },
    { kind: 'rotated' },
  ]);
});

// Red where a transaction waits for the frozen member until its connection breaks: every key was busy for 37 s.
test(
  'the primary freezes in the midst of transactions: all are rotated as soon as there is another one',
  { timeout: 60_000 },
  async () => {
    const rotator = open();
    await hangCommands({ failCommands: ['update'], blockConnection: true, blockTimeMS: 1_000, appName: APP_NAME });
    const calls = Promise.all(ids.map((id) => rotator.rotate(`k${id}`)));
    await sleep(HUNG_MS);
    const frozen = await set.freezeMember('primary');
    try {
      await set.primary();
      // The other secondary first has to notice that the member that it reads from is frozen: until then no write reaches a majority.
      await observed.collection('probe').insertOne({}, { writeConcern: { w: 'majority' } });
      const writableAt = performance.now();
      expect(countKinds(await calls)).toEqual({ rotated: CALLERS });
      await expectWhole();
      expect(performance.now() - writableAt).toBeLessThan(5_000);
      expect(events).toContainEqual(expect.objectContaining({ type: 'retried', error: 'PrimaryChanged' }));
    } finally {
      await set.thawMember(frozen);
    }
  },
);
