import { openTestDatabase } from 'test-kit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createRotator, type RotationEvent, type Rotator } from '../src/index.ts';
import { backups, binding, key, readState, seed, usedOf } from './support/documents.ts';
import { asRotated, rejection } from './support/outcomes.ts';
import { deletingPool } from './support/pools.ts';

const database = await openTestDatabase('many_bindings');
const { db } = database;
afterAll(() => database.close());
beforeAll(() => createRotator(db, deletingPool).ensureIndexes());

const DEADLINE_MS = 60_000;
const bindingsOfKey = (count: number) =>
  Array.from({ length: count }, (_, index) => binding(`p${String(index)}`, 'k1'));

test('a key with 20,000 bindings is rotated whole, in one transaction', async () => {
  await seed(db, deletingPool, { keys: [key('k1')], backups: backups(3), bindings: bindingsOfKey(20_000) });
  const rotator = createRotator(db, deletingPool, { deadlineMs: DEADLINE_MS });
  const { replacement, attempts } = asRotated(await rotator.rotate('k1'));
  expect(attempts).toBe(1);
  expect(await db.collection('bindings').countDocuments({ keyId: replacement })).toBe(20_000);
});

/*
 * The size at which a server undoes the transaction depends on its cache. So the server is made to undo it: a rival's open
 * transaction holds one of the bindings, which gives the same code at the same command.
 */
async function rotateHeldUp<T>(count: number, rotate: (rotator: Rotator) => Promise<T>): Promise<[T, RotationEvent[]]> {
  await seed(db, deletingPool, { keys: [key('k1')], backups: backups(3), bindings: bindingsOfKey(count) });
  await using rival = db.client.startSession();
  rival.startTransaction();
  await db.collection('bindings').updateOne({ proxyId: 'p0' }, { $set: { held: true } }, { session: rival });
  const events: RotationEvent[] = [];
  const answer = await rotate(
    createRotator(db, deletingPool, {
      deadlineMs: DEADLINE_MS,
      maxAttempts: 3,
      onEvent: (event) => events.push(event),
    }),
  );
  await rival.abortTransaction();
  expect(usedOf(await readState(db, deletingPool))).toEqual([]);
  return [answer, events];
}

test('50,000 bindings that can not be moved are tried again', async () => {
  const [outcome, events] = await rotateHeldUp(50_000, (rotator) => rotator.rotate('k1'));
  expect(outcome).toMatchObject({ kind: 'busy' });
  expect(events.filter(({ type }) => type === 'retried')).toHaveLength(2);
});

// Red where every conflict is tried again: `busy` at the deadline, and at each further call.
test('50,001 are told as too many', async () => {
  const [error, events] = await rotateHeldUp(50_001, (rotator) => rejection(rotator.rotate('k1'), 'too-many-bindings'));
  expect(error.message).toContain('too many bindings for one transaction: more than 50000 in bindings');
  expect(events.filter(({ type }) => type === 'retried')).toEqual([]);
});
