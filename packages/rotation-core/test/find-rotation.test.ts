import { openTestDatabase } from 'test-kit';
import { afterAll, expect, test } from 'vitest';
import { createRotator } from '../src/index.ts';
import { createRotatorOf } from '../src/testing.ts';
import { backups, key, seed } from './support/documents.ts';
import { flowWithBefore } from './support/flows.ts';
import { createGate } from './support/gate.ts';
import { asRotated, rejection } from './support/outcomes.ts';
import { deletingPool } from './support/pools.ts';
import { untyped } from './support/untyped.ts';

const database = await openTestDatabase('find_rotation');
const { db } = database;
const rotator = createRotator(db, deletingPool);
await rotator.ensureIndexes();
afterAll(() => database.close());

test('tells which key was replaced by which, also after that one was replaced', async () => {
  await seed(db, deletingPool, { keys: [key('k1')], backups: backups(2) });
  const first = asRotated(await rotator.rotate('k1'));
  const found = { keyId: 'k1', replacement: first.replacement };
  expect(await rotator.findRotation(first.rotationId)).toEqual(found);
  const second = asRotated(await rotator.rotate(first.replacement));
  expect(await rotator.findRotation(first.rotationId)).toEqual(found);
  expect(await rotator.findRotation(second.rotationId)).toEqual({
    keyId: first.replacement,
    replacement: second.replacement,
  });
});

test('an unknown id is null', async () => {
  expect(await rotator.findRotation('never')).toBeNull();
});

// Red with read concern 'available' on a session of the rotation itself, or a claim outside the transaction.
test('a rotation that was left in doubt is null until it commits, and found afterwards', async () => {
  await seed(db, deletingPool, { keys: [key('k1')], backups: backups(1) });
  const gate = createGate();
  const done = Promise.withResolvers<void>();
  const slow = createRotatorOf(flowWithBefore('readClaimedBackups', gate.pass), db, deletingPool, {
    onEvent: ({ type }) => {
      if (type === 'rotated') done.resolve();
    },
  });
  const call = slow.rotate('k1', { deadlineMs: 300 });
  await gate.reached;
  const outcome = await call;
  expect(outcome).toMatchObject({ kind: 'indeterminate', keyId: 'k1' });
  const rotationId = 'rotationId' in outcome ? outcome.rotationId : '';
  expect(await rotator.findRotation(rotationId)).toBeNull();
  gate.open();
  await done.promise;
  expect(await rotator.findRotation(rotationId)).toEqual({ keyId: 'k1', replacement: 'b1' });
});

test.each(['', 'x'.repeat(1_025), untyped({ $ne: null })])('refuses %j', async (rotationId) => {
  expect((await rejection(rotator.findRotation(rotationId), 'invalid-argument')).message).toContain('rotationId');
});
