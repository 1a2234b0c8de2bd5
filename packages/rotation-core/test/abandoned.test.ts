import type { Db, MongoClientOptions } from 'mongodb';
import { openTestDatabase } from 'test-kit';
import { afterAll, describe, expect, test } from 'vitest';
import { createRotator, type RotationEvent, type RotationOutcome } from '../src/index.ts';
import { createRotatorOf, referenceFlow, type FlowParts, type TestingOptions } from '../src/testing.ts';
import { backups, binding, key, readState, seed, usedOf } from './support/documents.ts';
import { flowWith, flowWithBefore } from './support/flows.ts';
import { withFailCommand } from './support/fail-point.ts';
import { createGate } from './support/gate.ts';
import { asRotated } from './support/outcomes.ts';
import { deletingPool } from './support/pools.ts';

/* A rotator that stopped inside a transaction: nobody sends on its session any more, and the key stays locked. */
const database = await openTestDatabase('abandoned');
const { db } = database;
const IDLE_MS = 1_000;

/** Options of clients with which the transactions were not found, and what it takes to see them all the same. */
const CLIENTS: Readonly<Record<string, MongoClientOptions>> = {
  'no options': {},
  'an appName': { appName: `${database.name}_service` },
  'read concern linearizable': { readConcernLevel: 'linearizable' },
  'unacknowledged writes': { writeConcern: { w: 0 } },
  'longs as objects': { promoteLongs: false },
  'longs as bigints': { useBigInt64: true },
  'values as objects': { promoteValues: false },
  'binaries as buffers': { promoteBuffers: true },
  'raw replies': { raw: true },
};
const clientKeys = Object.keys(CLIENTS).map((_name, index) => `client${String(index)}`);
const OTHERS = ['invoice', 'locked', 'other', 'off', 'working', 'short', 'strict', 'orphan'];

await createRotator(db, deletingPool).ensureIndexes();
await seed(db, deletingPool, {
  keys: [...clientKeys, ...OTHERS].map((id) => key(id)),
  backups: backups(60),
  bindings: clientKeys.map((id) => binding(`p-${id}`, id)),
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

/** A rotation that stands still inside its transaction until `goOn`. */
interface Held {
  goOn(): Promise<RotationOutcome>;
}

async function holdRotation(holderDb: Db, keyId: string, flow?: FlowParts): Promise<Held> {
  const gate = createGate();
  const rotator = createRotatorOf(flow ?? flowWithBefore('moveBindings', gate.pass), holderDb, deletingPool);
  const outcome = rotator.rotate(keyId, { deadlineMs: 30_000 });
  if (flow === undefined) await gate.reached;
  return {
    goOn: () => {
      gate.open();
      return outcome;
    },
  };
}

interface Seen {
  readonly outcome: RotationOutcome;
  readonly told: readonly RotationEvent[];
}

async function rotateOn(rotatorDb: Db, keyId: string, options: TestingOptions): Promise<Seen> {
  const told: RotationEvent[] = [];
  const rotator = createRotatorOf(referenceFlow, rotatorDb, deletingPool, {
    ...options,
    onEvent: (event) => {
      if (event.type.startsWith('abandoned')) told.push(event);
    },
  });
  return { outcome: await rotator.rotate(keyId), told };
}

describe.concurrent('a rotation that a client left open on a key', () => {
  // Red with the endAbandoned call taken out of rotate-group.ts: the rotation then gets `busy`. All clients but the second were red
  // where the transactions were known by the appName and read with the options of the client.
  test.each(
    Object.entries(CLIENTS).map(([name, options], index) => ({ name, options, keyId: `client${String(index)}` })),
  )(
    'is ended for a client with $name; the rotation goes through, and the holder learns of it',
    async ({ options, keyId }) => {
      const held = await holdRotation(await database.connect(), keyId);
      const { outcome, told } = await rotateOn(await database.connect(options), keyId, {
        endAbandonedAfterMs: IDLE_MS,
      });
      const { replacement } = asRotated(outcome);
      // The tests run side by side: another rotator may have ended the transaction, or several at once.
      for (const event of told) expect(event).toMatchObject({ type: 'abandoned-ended' });
      expect(await held.goOn()).toEqual({ kind: 'already-rotated', keyId, replacement });
      const after = await readState(db, deletingPool);
      expect(usedOf(after).filter(({ usedFor }) => usedFor === keyId)).toMatchObject([{ _id: replacement }]);
      expect(after.bindings).toContainEqual(expect.objectContaining({ proxyId: `p-${keyId}`, keyId: replacement }));
    },
  );
});

describe('alone', () => {
  const options = { endAbandonedAfterMs: IDLE_MS, deadlineMs: 2_000, random: () => 0.999 };
  const kept = { outcome: expect.toSatisfy(({ kind }) => kind === 'busy' || kind === 'indeterminate'), told: [] };

  // Red where each attempt has a session of its own: the key is blocked until the orphan is found, or for its lifetime.
  test('the own transaction, of which ten commits were lost, ends with the next attempt on its session', async () => {
    const events: RotationEvent[] = [];
    const appName = `${database.name}_orphan`;
    const onEvent = (event: RotationEvent): void => void events.push(event);
    const rotator = createRotator(await database.connect({ appName }), deletingPool, { onEvent });
    const lost = { appName, failCommands: ['commitTransaction'], closeConnection: true };
    const outcome = await withFailCommand(db, { times: 10 }, lost, () => rotator.rotate('orphan'));
    const { replacement, attempts } = asRotated(outcome);
    expect(attempts).toBe(2);
    expect(events.filter(({ type }) => type === 'retried')).toMatchObject([{ reason: 'commit-in-doubt' }]);
    expect(usedOf(await readState(db, deletingPool)).filter(({ usedFor }) => usedFor === 'orphan')).toMatchObject([
      { _id: replacement },
    ]);
  });

  // Red where all idle transactions of the same appName are ended: the invoice is undone, though nobody waits for it.
  test('a transaction of another module is left, also with the same client and on the key itself', async () => {
    const serviceDb = await database.connect({ appName: `${database.name}_module` });
    await using invoice = serviceDb.client.startSession();
    await using locking = serviceDb.client.startSession();
    invoice.startTransaction();
    locking.startTransaction();
    await db.createCollection('invoices');
    await serviceDb.collection('invoices').insertOne({ amount: 5 }, { session: invoice });
    await serviceDb.collection<{ _id: string }>('keys').deleteOne({ _id: 'locked' }, { session: locking });
    expect(await rotateOn(serviceDb, 'locked', options)).toEqual(kept);
    await expect(invoice.commitTransaction()).resolves.toBeUndefined();
    await expect(locking.abortTransaction()).resolves.toBeUndefined();
  });

  test('a rotation on another database is left', async () => {
    const otherDb = db.client.db(`${database.name}_other`);
    await createRotator(otherDb, deletingPool).ensureIndexes();
    await seed(otherDb, deletingPool, { keys: [key('there')], backups: backups(5) });
    const there = await holdRotation(otherDb, 'there');
    await using locking = db.client.startSession();
    locking.startTransaction();
    await db.collection<{ _id: string }>('keys').deleteOne({ _id: 'other' }, { session: locking });
    expect(await rotateOn(db, 'other', options)).toEqual(kept);
    expect(await there.goOn()).toMatchObject({ kind: 'rotated', attempts: 1 });
    await locking.abortTransaction();
    await otherDb.dropDatabase();
  });

  test('a rotation is left where ending is switched off', async () => {
    const held = await holdRotation(db, 'off');
    expect(await rotateOn(db, 'off', { ...options, endAbandonedAfterMs: false })).toEqual(kept);
    expect(await held.goOn()).toMatchObject({ kind: 'rotated', attempts: 1 });
  });

  // Red where timeInactiveMicros is asked instead of two looks: it adds up all pauses, and slow is not dead.
  test('a rotation is left where its client is still at work', async () => {
    const over = new AbortController();
    const working = Promise.withResolvers<void>();
    const busyFlow = flowWith({
      moveBindings: async (transaction, moves) => {
        working.resolve();
        while (!over.signal.aborted) await db.collection('keys').findOne({}, { session: transaction.session });
        return referenceFlow.steps.moveBindings(transaction, moves);
      },
    });
    const held = await holdRotation(db, 'working', busyFlow);
    await working.promise;
    expect(await rotateOn(await database.connect(), 'working', options).finally(() => over.abort())).toEqual(kept);
    expect(await held.goOn()).toMatchObject({ kind: 'rotated', attempts: 1 });
  });

  // Red where the first look ends what it sees.
  test('a rotation is left where the other has not been held up that long', async () => {
    const held = await holdRotation(db, 'short');
    expect(await rotateOn(db, 'short', { ...options, deadlineMs: 700 })).toEqual(kept);
    expect(await held.goOn()).toMatchObject({ kind: 'rotated', attempts: 1 });
  });

  // Red where a failed poll is passed over in silence.
  test('under the strict stable API, which lacks the commands, an event says so once', async () => {
    const strictDb = await database.connect({ serverApi: { version: '1', strict: true } });
    const held = await holdRotation(db, 'strict');
    const { outcome, told } = await rotateOn(strictDb, 'strict', options);
    expect(['busy', 'indeterminate']).toContain(outcome.kind);
    expect(told).toEqual([{ type: 'abandoned-unseen', pool: 'deleting', error: 'APIStrictError (323)' }]);
    expect(await held.goOn()).toMatchObject({ kind: 'rotated', attempts: 1 });
  });
});
