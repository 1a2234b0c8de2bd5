import { setTimeout as sleep } from 'node:timers/promises';
import { openTestDatabase } from 'test-kit';
import { afterAll, expect, test } from 'vitest';
import { createRotator, incarnationOf, type RotationEvent } from '../src/index.ts';
import { createRotatorOf, referenceFlow } from '../src/testing.ts';
import { recordCommands } from './support/command-log.ts';
import { backup, backups, binding, key, readState, seed } from './support/documents.ts';
import { flowWith } from './support/flows.ts';
import { createGate } from './support/gate.ts';
import { asRotated, countKinds } from './support/outcomes.ts';
import { deletingPool, keepingPool } from './support/pools.ts';

/* Who else writes to the documents of a rotation: services that count requests, many binds, operators. */
const database = await openTestDatabase('other_writers');
const { db } = database;
const serviceDb = await database.connect();
await createRotator(db, deletingPool).ensureIndexes();
afterAll(() => database.close());

/** Repeats a write until the end of the block, some at once. */
function writing(
  write: () => Promise<unknown>,
  atOnce: number,
  pauseMs: number,
): AsyncDisposable & { count(): number } {
  const over = new AbortController();
  let count = 0;
  const loop = async (): Promise<void> => {
    for (; !over.signal.aborted; count++) {
      await write();
      await sleep(pauseMs);
    }
  };
  const loops = Array.from({ length: atOnce }, loop);
  return {
    count: () => count,
    [Symbol.asyncDispose]: async () => {
      over.abort();
      await Promise.all(loops);
    },
  };
}

const idOf = (name: string) => ({ _id: name as never });

// Red where the lock comes after the reads, at each attempt: busy after 59 attempts.
test('a service that counts on the failing key all the time does not starve its rotation', async () => {
  await seed(db, deletingPool, { keys: [key('k1')], backups: backups(5), bindings: [binding('p1', 'k1')] });
  await using counting = writing(
    () => serviceDb.collection('keys').updateOne(idOf('k1'), { $inc: { requestsCount: 1 } }),
    8,
    2,
  );
  await sleep(50);
  expect(asRotated(await createRotator(db, deletingPool).rotate('k1')).attempts).toBeLessThan(10);
  expect(counting.count()).toBeGreaterThan(20);
});

// Red where each bind is on its own: 19 are bound and 181 throw a WriteConflict, or, with more time, it takes ten thousand commands.
test('200 binds of one key at once are all bound', { timeout: 60_000 }, async () => {
  await seed(db, deletingPool, { keys: [key('k1')] });
  const monitored = await database.connect({ monitorCommands: true });
  const started = recordCommands(monitored);
  const rotator = createRotator(monitored, deletingPool, { deadlineMs: 50_000 });
  const outcomes = await Promise.all(
    Array.from({ length: 200 }, (_, index) => rotator.bind({ proxyId: `p${String(index)}`, keyId: 'k1' })),
  );
  expect(new Set(outcomes.map(({ kind }) => kind))).toEqual(new Set(['bound']));
  expect((await readState(db, deletingPool)).bindings).toHaveLength(200);
  expect(started.length).toBeLessThan(200 * 10);
});

// Red where a rotation does not take its turn among them: indeterminate.
test('a key that is bound all the time is rotated, and no binding is lost', async () => {
  await seed(db, deletingPool, { keys: [key('k1')], backups: backups(2) });
  const rotator = createRotator(db, deletingPool);
  let next = 0;
  await using binds = writing(() => rotator.bind({ proxyId: `p${String(next++)}`, keyId: 'k1' }), 4, 0);
  await sleep(100);
  const { replacement } = asRotated(await rotator.rotate('k1', { deadlineMs: 3_000 }));
  await binds[Symbol.asyncDispose]();
  const { bindings } = await readState(db, deletingPool);
  expect(bindings).toHaveLength(next);
  expect(new Set(bindings.map(({ keyId }) => keyId))).toEqual(new Set([replacement]));
});

// Red where 100 keys are all or nothing: sweep throws, and repairs none.
test('sweep repairs the other keys where a unique index refuses the bindings of one, and tells that one', async () => {
  const ids = Array.from({ length: 20 }, (_, index) => String(index).padStart(2, '0'));
  await seed(db, deletingPool, {
    keys: ids.map((id) => key(`k${id}`)),
    backups: ids.map((id) => backup(`b${id}`)),
  });
  const rotator = createRotator(db, deletingPool);
  const replacementOf = new Map<string, string>();
  for (const id of ids) replacementOf.set(id, asRotated(await rotator.rotate(`k${id}`)).replacement);
  const bindings = db.collection('bindings');
  await bindings.createIndex({ proxyId: 1, keyId: 1 }, { unique: true, name: 'one_binding' });
  try {
    await bindings.insertMany(ids.map((id) => binding('p1', `k${id}`)));
    await bindings.insertOne(binding('p1', replacementOf.get('07') ?? ''));
    expect(await rotator.sweep()).toEqual({ moved: 19, unresolved: ['k07'] });
    expect(await rotator.sweep()).toEqual({ moved: 0, unresolved: ['k07'] });
  } finally {
    await bindings.dropIndex('one_binding');
  }
});

// Red where 100 live keys are touched at once, after the reads: 0 of 300 moved.
test('sweep gets through where services count on the live keys', { timeout: 30_000 }, async () => {
  const ids = Array.from({ length: 100 }, (_, index) => String(index));
  await seed(db, deletingPool, { keys: ids.map((id) => key(`k${id}`)), backups: ids.map((id) => backup(`b${id}`)) });
  const rotator = createRotator(db, deletingPool, { deadlineMs: 25_000 });
  await Promise.all(ids.map((id) => rotator.rotate(`k${id}`)));
  await db.collection('bindings').insertMany(ids.map((id) => binding(`p${id}`, `k${id}`)));
  const next = () => idOf(`b${String(Math.floor(Math.random() * ids.length))}`);
  await using counting = writing(
    () => serviceDb.collection('keys').updateOne(next(), { $inc: { requestsCount: 1 } }),
    4,
    5,
  );
  expect(await rotator.sweep()).toEqual({ moved: 100, unresolved: [] });
  expect(counting.count()).toBeGreaterThan(0);
});

// Red where restoreBackup only reads the key: both commit, and a free backup is a live key.
test('an operator who makes a kept key live again, and one who restores its backup: one of the two', async () => {
  await seed(db, keepingPool, { keys: [key('k1')], backups: backups(2) });
  const rotator = createRotator(db, keepingPool);
  const { replacement } = asRotated(await rotator.rotate('k1'));
  asRotated(await rotator.rotate(replacement));
  const revive = async (): Promise<void> => {
    const session = serviceDb.client.startSession();
    try {
      await session.withTransaction(async () => {
        const free = await serviceDb
          .collection('backups')
          .findOne({ ...idOf(replacement), isUsed: false }, { session });
        if (free === null)
          await serviceDb.collection('keys').updateOne(idOf(replacement), { $unset: { replacedBy: 1 } }, { session });
      });
    } finally {
      await session.endSession();
    }
  };
  const outcomes = await Promise.all([rotator.restoreBackup(replacement), revive()]);
  const { keys, backups: all } = await readState(db, keepingPool);
  const isLive = keys.some(({ _id, replacedBy }) => _id === replacement && replacedBy === undefined);
  const isFree = all.some(({ _id, isUsed }) => _id === replacement && isUsed === false);
  expect({ isLive, isFree }).not.toEqual({ isLive: true, isFree: true });
  expect(outcomes[0].kind).toBe(isLive ? 'live-key' : 'restored');
});

// Red where any string counts as an incarnation: the call that the README recommends is an invalid argument.
test.each(['', 7, {}])('an old document with the incarnation %j is named by its createdAt', async (incarnation) => {
  const old = key('k1', { incarnation: incarnation as string });
  await seed(db, deletingPool, { keys: [old], backups: backups(1) });
  expect(incarnationOf(old)).toMatch(/^created /);
  expect(countKinds([await createRotator(db, deletingPool).rotate('k1', { incarnation: incarnationOf(old) })])).toEqual(
    {
      rotated: 1,
    },
  );
});

// Red where the doubt begins with the first answer: a transaction that has only read was told indeterminate.
test('a deadline after the reads, before anything is written, is busy, and nothing is changed later', async () => {
  await seed(db, deletingPool, { keys: [key('k1')], backups: backups(1) });
  const before = await readState(db, deletingPool);
  const gate = createGate();
  const flow = flowWith({
    findFreeBackups: async (...args) => gate.pass().then(() => referenceFlow.steps.findFreeBackups(...args)),
  });
  const events: RotationEvent[] = [];
  const rotator = createRotatorOf(flow, db, deletingPool, { onEvent: (event) => events.push(event) });
  expect(await rotator.rotate('k1', { deadlineMs: 300 })).toEqual({ kind: 'busy', keyId: 'k1' });
  expect(events).toMatchObject([{ type: 'busy', reason: 'slow' }]);
  gate.open();
  await sleep(200);
  expect(await readState(db, deletingPool)).toEqual(before);
});
