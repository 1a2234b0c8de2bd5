import type { ClientSession } from 'mongodb';
import { openTestDatabase } from 'test-kit';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { createRotator, type RotationEvent } from '../src/index.ts';
import { createRotatorOf, referenceFlow } from '../src/testing.ts';
import { runTransaction } from '../src/flow/transaction.ts';
import { MAJORITY } from '../src/options.ts';
import { backup, backups, binding, key, readState, seed, usedOf } from './support/documents.ts';
import { flowWith } from './support/flows.ts';
import { withFailCommand } from './support/fail-point.ts';
import { asRotated, rejection } from './support/outcomes.ts';
import { deletingPool, keepingPool } from './support/pools.ts';

/*
 * The server runs or refuses a command, and the client does not learn which. The fail point counts for the client under test
 * alone, which has an appName of its own.
 */
const database = await openTestDatabase('lost_replies');
const { db } = database;
const appName = `${database.name}_subject`;
const subjectDb = await database.connect({ appName });
await createRotator(db, deletingPool).ensureIndexes();
afterAll(() => database.close());

const WRITE_CONCERN_TIMEOUT = { code: 64, codeName: 'WriteConcernFailed', errmsg: 'made up by the test' };
const NOT_WRITABLE_PRIMARY = 10_107;

describe.each([deletingPool, keepingPool])('one rotation all the same ($name)', (pool) => {
  beforeEach(() =>
    seed(db, pool, { keys: [key('k1')], backups: backups(9), bindings: [binding('p1', 'k1'), binding('p2', 'k1')] }),
  );

  /** Rotates under the fail point; the outcome must be `rotated`, the pool must show exactly that rotation. */
  async function rotateUnder(
    mode: { readonly times: number },
    data: object,
  ): Promise<{ attempts: number; events: RotationEvent[] }> {
    const events: RotationEvent[] = [];
    const rotator = createRotator(subjectDb, pool, { onEvent: (event) => events.push(event) });
    const outcome = await withFailCommand(db, mode, { appName, ...data }, () => rotator.rotate('k1'));
    const { replacement, rotationId, attempts } = asRotated(outcome);
    const after = await readState(db, pool);
    expect(usedOf(after)).toMatchObject([{ _id: replacement, usedFor: 'k1', rotationId }]);
    expect(after.bindings).toMatchObject([{ keyId: replacement }, { keyId: replacement }]);
    expect(after.keys.filter(({ replacedBy }) => replacedBy === undefined)).toMatchObject([{ _id: replacement }]);
    expect(await rotator.findRotation(rotationId)).toEqual({ keyId: 'k1', replacement });
    expect(await rotator.rotate('k1')).toEqual({ kind: 'already-rotated', keyId: 'k1', replacement });
    return { attempts, events };
  }

  test('the reply of the commit says that it is not known to be safe', async () => {
    const data = { failCommands: ['commitTransaction'], writeConcernError: WRITE_CONCERN_TIMEOUT };
    await expect(rotateUnder({ times: 2 }, data)).resolves.toMatchObject({ attempts: 1 });
  });

  // Red where an attempt that finds its own rotationId in the evidence calls it somebody else's, and where the doubt is followed
  // by a second claim.
  test('every reply to the commit of one attempt says so: the next one finds its own evidence', async () => {
    const data = { failCommands: ['commitTransaction'], writeConcernError: WRITE_CONCERN_TIMEOUT };
    // The driver sends each of the five commits once, for a write concern error is not retryable by itself.
    const { attempts, events } = await rotateUnder({ times: 5 }, data);
    expect(attempts).toBe(2);
    expect(events.filter(({ type }) => type === 'retried')).toMatchObject([{ attempt: 1, reason: 'commit-in-doubt' }]);
    expect(events.filter(({ type }) => type === 'rotated')).toHaveLength(1);
  });

  test('the connection breaks at the commit', async () => {
    await expect(
      rotateUnder({ times: 1 }, { failCommands: ['commitTransaction'], closeConnection: true }),
    ).resolves.toMatchObject({ attempts: 1 });
  });

  test('the connection breaks at the commit, and at its repetition by the driver', async () => {
    const { attempts } = await rotateUnder(
      { times: 3 },
      { failCommands: ['commitTransaction'], closeConnection: true },
    );
    expect(attempts).toBe(1);
  });

  test('the primary steps down at the commit', async () => {
    const data = { failCommands: ['commitTransaction'], errorCode: NOT_WRITABLE_PRIMARY };
    await expect(rotateUnder({ times: 1 }, data)).resolves.toMatchObject({ attempts: 1 });
  });

  test.each(['find', 'update', 'delete'])('the connection breaks at the first %s', async (command) => {
    const isSent = !(pool === keepingPool && command === 'delete');
    const { attempts } = await rotateUnder({ times: 1 }, { failCommands: [command], closeConnection: true });
    expect(attempts).toBe(isSent ? 2 : 1);
  });
});

describe('a commit that fails without a label', () => {
  const data = { appName, failCommands: ['commitTransaction'], errorCode: 8_000 };

  // Red where only the label UnknownTransactionCommitResult casts a doubt: such a reply says nothing about what was done.
  test('is in doubt', async () => {
    let doubts = 0;
    const count = (): void => {
      doubts++;
    };
    const body = (session: ClientSession) => subjectDb.collection('keys').findOne({}, { session });
    const ran = withFailCommand(db, { times: 1 }, data, () =>
      runTransaction(subjectDb, MAJORITY, body, { onCommitInDoubt: count }),
    );
    await expect(ran).rejects.toMatchObject({ code: 8_000 });
    expect(doubts).toBe(1);
  });

  test('rejects with the id to ask for, and a later call takes no second backup', async () => {
    await seed(db, deletingPool, { keys: [key('k1')], backups: backups(9), bindings: [binding('p1', 'k1')] });
    const rotator = createRotator(subjectDb, deletingPool);
    const refused = withFailCommand(db, { times: 1 }, data, () => rejection(rotator.rotate('k1'), 'database'));
    expect((await refused).rotationId).toEqual(expect.any(String));
    expect(await rotator.rotate('k1')).toMatchObject({ replacement: expect.any(String) });
    expect(usedOf(await readState(db, deletingPool))).toHaveLength(1);
  });
});

describe('other callers meanwhile', () => {
  test('ten callers of a rotation in doubt: one is rotated, nine learn of it', async () => {
    await seed(db, deletingPool, { keys: [key('k1')], backups: backups(9), bindings: [binding('p1', 'k1')] });
    const rotator = createRotator(subjectDb, deletingPool);
    const data = { appName, failCommands: ['commitTransaction'], writeConcernError: WRITE_CONCERN_TIMEOUT };
    const outcomes = await withFailCommand(db, { times: 5 }, data, () =>
      Promise.all(Array.from({ length: 10 }, () => rotator.rotate('k1'))),
    );
    expect(outcomes.filter(({ kind }) => kind === 'rotated')).toHaveLength(1);
    expect(outcomes.filter(({ kind }) => kind === 'already-rotated')).toHaveLength(9);
    expect(usedOf(await readState(db, deletingPool))).toHaveLength(1);
  });

  test('a deadline in doubt is indeterminate, and findRotation tells afterwards', async () => {
    await seed(db, deletingPool, { keys: [key('k1')], backups: backups(9), bindings: [binding('p1', 'k1')] });
    const events: RotationEvent[] = [];
    const rotator = createRotator(subjectDb, deletingPool, { onEvent: (event) => events.push(event) });
    const data = { appName, failCommands: ['commitTransaction'], writeConcernError: WRITE_CONCERN_TIMEOUT };
    const outcome = await withFailCommand(db, 'alwaysOn', data, () => rotator.rotate('k1', { deadlineMs: 400 }));
    expect(outcome).toEqual({ kind: 'indeterminate', keyId: 'k1', rotationId: expect.any(String) });
    const { rotationId } = outcome.kind === 'indeterminate' ? outcome : { rotationId: '' };
    const told = events.filter(({ type }) => type === 'indeterminate');
    expect(told).toEqual([{ type: 'indeterminate', pool: deletingPool.name, keyId: 'k1', rotationId }]);
    const [used] = usedOf(await readState(db, deletingPool));
    expect(await rotator.findRotation(rotationId)).toEqual({ keyId: 'k1', replacement: used?._id });
  });

  test('bind survives a lost reply without a double', async () => {
    await seed(db, deletingPool, { keys: [key('k1')] });
    const data = { appName, failCommands: ['commitTransaction'], closeConnection: true };
    const bound = await withFailCommand(db, { times: 1 }, data, () =>
      createRotator(subjectDb, deletingPool).bind({ proxyId: 'p1', keyId: 'k1' }),
    );
    expect(bound).toMatchObject({ keyId: 'k1' });
    expect((await readState(db, deletingPool)).bindings).toMatchObject([{ proxyId: 'p1', keyId: 'k1' }]);
  });

  // Red where the next attempt looks for a binding to the live key alone: one call, two bindings.
  test('bind in doubt finds its own binding, although the key was put back meanwhile', async () => {
    await seed(db, deletingPool, { keys: [key('k1')], backups: [backup('b1')] });
    await createRotator(db, deletingPool).rotate('k1');
    let touches = 0;
    const flow = flowWith({
      touchKeys: async (...args) => {
        // The first attempt touches the key and the one that took its place.
        if (++touches === 3) await db.collection('keys').insertOne(key('k1') as never);
        return referenceFlow.steps.touchKeys(...args);
      },
    });
    const data = { appName, failCommands: ['commitTransaction'], writeConcernError: WRITE_CONCERN_TIMEOUT };
    const bound = await withFailCommand(db, { times: 8 }, data, () =>
      createRotatorOf(flow, subjectDb, deletingPool).bind({ proxyId: 'p1', keyId: 'k1' }),
    );
    expect(touches).toBeGreaterThanOrEqual(3);
    expect(bound).toEqual({ kind: 'bound', keyId: 'b1' });
    expect((await readState(db, deletingPool)).bindings).toMatchObject([{ proxyId: 'p1', keyId: 'b1' }]);
  });
});
