import type { ClientSession, Db } from 'mongodb';
import { openTestDatabase } from 'test-kit';
import { afterAll, describe, expect, test } from 'vitest';
import { createRotator, type RotationEvent, type RotationOutcome } from '../src/index.ts';
import { createRotatorOf, referenceFlow, type TestingOptions } from '../src/testing.ts';
import { backups, binding, key, readState, seed, usedOf } from './support/documents.ts';
import { asRotated } from './support/outcomes.ts';
import { deletingPool } from './support/pools.ts';

/* A client that stopped inside a transaction: nobody sends on its session any more, and the key stays locked. */
const database = await openTestDatabase('abandoned');
const { db } = database;
const serviceOf = (title: string): string => `${database.name}_${title}`;
await createRotator(db, deletingPool).ensureIndexes();
await seed(db, deletingPool, {
  keys: ['ended', 'other', 'nameless', 'off', 'working', 'short'].map((id) => key(id)),
  backups: backups(5),
  bindings: [binding('p1', 'ended')],
});

// Test servers are often started with a short one, which would end the transactions before the rotations can.
const LIFETIME = 'transactionLifetimeLimitSeconds';
const admin = db.client.db('admin');
const { [LIFETIME]: lifetimeBefore } = await admin.command({ getParameter: 1, [LIFETIME]: 1 });
await admin.command({ setParameter: 1, [LIFETIME]: 60 });
afterAll(async () => {
  await admin.command({ setParameter: 1, [LIFETIME]: lifetimeBefore });
  await database.close();
});

const IDLE_MS = 1_000;

async function abandonOn(holderDb: Db, keyId: string): Promise<ClientSession> {
  const holder = holderDb.client.startSession();
  holder.startTransaction();
  await holderDb.collection<{ _id: string }>('keys').deleteOne({ _id: keyId }, { session: holder });
  return holder;
}

interface Seen {
  readonly outcome: RotationOutcome;
  readonly ended: readonly RotationEvent[];
}

async function rotateOn(rotatorDb: Db, keyId: string, options: TestingOptions): Promise<Seen> {
  const events: RotationEvent[] = [];
  const rotator = createRotatorOf(referenceFlow, rotatorDb, deletingPool, {
    ...options,
    onEvent: (event) => events.push(event),
  });
  const outcome = await rotator.rotate(keyId);
  return { outcome, ended: events.filter(({ type }) => type === 'abandoned-ended') };
}

describe.concurrent('a transaction that a client left open on a key', () => {
  // Red with the endAbandoned call taken out of rotate-group.ts: the rotation then gets `busy`.
  test('is ended where it has the appName; the rotation goes through, and the holder is told to try again', async () => {
    const appName = serviceOf('ended');
    await using holder = await abandonOn(await database.connect({ appName }), 'ended');
    const rotatorDb = await database.connect({ appName });
    const { outcome, ended } = await rotateOn(rotatorDb, 'ended', { endAbandonedAfterMs: IDLE_MS });
    const { replacement } = asRotated(outcome);
    expect(ended).toEqual([{ type: 'abandoned-ended', pool: deletingPool.name, transactions: 1 }]);
    const refused = await holder.commitTransaction().catch((error: unknown) => error);
    expect(refused).toMatchObject({ codeName: 'NoSuchTransaction', errorLabels: ['TransientTransactionError'] });
    const after = await readState(db, deletingPool);
    // The other tests' rotations run beside this one; they may go through once their holder has let go.
    const used = usedOf(after).filter(({ usedFor }) => usedFor === 'ended');
    expect(used).toMatchObject([{ _id: replacement }]);
    expect(after.bindings).toMatchObject([{ keyId: replacement }]);
  });

  const options = { endAbandonedAfterMs: IDLE_MS, deadlineMs: 2_000, random: () => 0.999 };
  const leftAlone = { outcome: expect.toSatisfy(({ kind }) => kind === 'busy' || kind === 'indeterminate'), ended: [] };

  // Red without the appName in the filter of end-abandoned.ts.
  test('is left alone where its client has another appName', async () => {
    await using holder = await abandonOn(await database.connect({ appName: serviceOf('other') }), 'other');
    const rotatorDb = await database.connect({ appName: serviceOf('other_rotator') });
    expect(await rotateOn(rotatorDb, 'other', options)).toEqual(leftAlone);
    await expect(holder.abortTransaction()).resolves.toBeUndefined();
  });

  // Red where the filter on the appName is left out.
  test('is left alone where the rotator has none', async () => {
    const namelessDb = await database.connect({});
    await using holder = await abandonOn(namelessDb, 'nameless');
    expect(await rotateOn(namelessDb, 'nameless', options)).toEqual(leftAlone);
    await expect(holder.commitTransaction()).resolves.toBeUndefined();
  });

  test('is left alone where ending is switched off', async () => {
    const appName = serviceOf('off');
    await using holder = await abandonOn(await database.connect({ appName }), 'off');
    const rotatorDb = await database.connect({ appName });
    expect(await rotateOn(rotatorDb, 'off', { ...options, endAbandonedAfterMs: false })).toEqual(leftAlone);
    await expect(holder.commitTransaction()).resolves.toBeUndefined();
  });

  // Red where timeInactiveMicros is asked instead of two looks: it adds up all pauses, and slow is not dead.
  test('is left alone where its client is still at work', async () => {
    const appName = serviceOf('working');
    const holderDb = await database.connect({ appName });
    await using holder = await abandonOn(holderDb, 'working');
    const rotated = rotateOn(await database.connect({ appName }), 'working', options);
    const over = new AbortController();
    const work = async (): Promise<void> => {
      while (!over.signal.aborted) await holderDb.collection('keys').findOne({}, { session: holder });
    };
    const working = work(); // until the rotation's deadline
    expect(await rotated.finally(() => over.abort())).toEqual(leftAlone);
    await working;
    await expect(holder.commitTransaction()).resolves.toBeUndefined();
  });

  // Red where the first look ends what it sees.
  test('is left alone where the rotation has not been held up that long', async () => {
    const appName = serviceOf('short');
    await using holder = await abandonOn(await database.connect({ appName }), 'short');
    const rotatorDb = await database.connect({ appName });
    expect(await rotateOn(rotatorDb, 'short', { ...options, deadlineMs: 700 })).toEqual(leftAlone);
    await expect(holder.commitTransaction()).resolves.toBeUndefined();
  });
});
