import type { ClientSession } from 'mongodb';
import { openTestDatabase } from 'test-kit';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createRotator, type RotationEvent } from '../src/index.ts';
import { createRotatorOf } from '../src/testing.ts';
import { backups, binding, key, readState, seed, usedOf } from './support/documents.ts';
import { flowWithBefore } from './support/flows.ts';
import { createGate } from './support/gate.ts';
import { asRotated, rejection } from './support/outcomes.ts';
import { deletingPool } from './support/pools.ts';

const database = await openTestDatabase('deadline');
const { db } = database;
const holderDb = await database.connect({ appName: `${database.name}_holder` });
await createRotator(db, deletingPool).ensureIndexes();
afterAll(() => database.close());
beforeEach(() =>
  seed(db, deletingPool, { keys: [key('k1'), key('k2')], backups: backups(5), bindings: [binding('p1', 'k1')] }),
);

describe('a key held by an open transaction of another client', () => {
  let holder: ClientSession;
  beforeEach(async () => {
    holder = holderDb.client.startSession();
    holder.startTransaction();
    await holderDb.collection('keys').updateOne({ _id: 'k1' as never }, { $set: { held: true } }, { session: holder });
  });
  afterEach(async () => {
    await holder.abortTransaction();
    await holder.endSession();
  });

  test('is busy at the last attempt, and nothing was changed', async () => {
    const before = await readState(db, deletingPool);
    const events: RotationEvent[] = [];
    const rotator = createRotator(db, deletingPool, { maxAttempts: 3, onEvent: (event) => events.push(event) });
    expect(await rotator.rotate('k1')).toEqual({ kind: 'busy', keyId: 'k1' });
    expect(await readState(db, deletingPool)).toEqual(before);
    const failure = { reason: 'conflict', error: 'WriteConflict (112)' };
    expect(events).toMatchObject([
      { type: 'retried', attempt: 1, ...failure },
      { type: 'retried', attempt: 2, ...failure },
      { type: 'busy', attempts: 3, ...failure },
    ]);
  });

  // Which of the two depends on whether the deadline comes between two attempts or into one; the queue's tests fix each.
  test('is busy or indeterminate at the deadline, and in either case nothing was changed', async () => {
    const before = await readState(db, deletingPool);
    const rotator = createRotator(db, deletingPool);
    const outcome = await rotator.rotate('k1', { deadlineMs: 300 });
    expect(['busy', 'indeterminate']).toContain(outcome.kind);
    expect(await readState(db, deletingPool)).toEqual(before);
    const rotationId = 'rotationId' in outcome ? outcome.rotationId : 'none';
    expect(await rotator.findRotation(rotationId)).toBeNull();
  });

  test('does not hold up other keys, also of the same batch', async () => {
    const rotator = createRotator(db, deletingPool, { maxAttempts: 3 });
    const outcomes = await Promise.all([rotator.rotate('k1'), rotator.rotate('k2')]);
    expect(outcomes).toMatchObject([{ kind: 'busy' }, { kind: 'rotated', keyId: 'k2' }]);
  });

  test('is rotated when the other lets go', async () => {
    const conflict = Promise.withResolvers<void>();
    const rotator = createRotator(db, deletingPool, {
      onEvent: ({ type }) => {
        if (type === 'retried') conflict.resolve();
      },
    });
    const call = rotator.rotate('k1');
    await conflict.promise;
    await holder.abortTransaction();
    expect(asRotated(await call).attempts).toBeGreaterThan(1);
    holder.startTransaction();
  });
});

describe('while the transaction runs', () => {
  test('a deadline is indeterminate, and the same id is found when it has committed', async () => {
    const gate = createGate();
    const done = Promise.withResolvers<void>();
    const rotator = createRotatorOf(flowWithBefore('moveBindings', gate.pass), db, deletingPool, {
      onEvent: ({ type }) => {
        if (type === 'rotated') done.resolve();
      },
    });
    const [short, long] = [rotator.rotate('k1', { deadlineMs: 250 }), rotator.rotate('k1')];
    await gate.reached;
    const outcome = await short;
    gate.open();
    const { rotationId } = asRotated(await long);
    expect(outcome).toEqual({ kind: 'indeterminate', keyId: 'k1', rotationId });
    await done.promise;
    expect(await rotator.findRotation(rotationId)).toMatchObject({ keyId: 'k1' });
  });

  test('an abort names the rotation, which goes on to its end', async () => {
    const gate = createGate();
    const done = Promise.withResolvers<void>();
    const rotator = createRotatorOf(flowWithBefore('moveBindings', gate.pass), db, deletingPool, {
      onEvent: ({ type }) => {
        if (type === 'rotated') done.resolve();
      },
    });
    const controller = new AbortController();
    const refused = rejection(rotator.rotate('k1', { signal: controller.signal }), 'aborted');
    await gate.reached;
    controller.abort(new Error('shutting down'));
    const error = await refused;
    expect(error.cause).toEqual(new Error('shutting down'));
    gate.open();
    await done.promise;
    expect(await rotator.findRotation(String(error.rotationId))).toMatchObject({ keyId: 'k1' });
    expect(usedOf(await readState(db, deletingPool))).toHaveLength(1);
  });
});

test('a signal that has fired before refuses the call, and nothing is sent', async () => {
  const before = await readState(db, deletingPool);
  const error = await rejection(
    createRotator(db, deletingPool).rotate('k1', { signal: AbortSignal.abort('no') }),
    'aborted',
  );
  expect(error.cause).toBe('no');
  expect(error.rotationId).toBeUndefined();
  expect(await readState(db, deletingPool)).toEqual(before);
});
