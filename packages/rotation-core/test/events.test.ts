import { openTestDatabase } from 'test-kit';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { createRotator, definePool, type RotationEvent, type RotatorOptions } from '../src/index.ts';
import { createRotatorOf } from '../src/testing.ts';
import { backups, binding, claimedBefore, key, seed } from './support/documents.ts';
import { flowWithBefore } from './support/flows.ts';
import { createGate } from './support/gate.ts';
import { asRotated } from './support/outcomes.ts';
import { deletingPool } from './support/pools.ts';

const database = await openTestDatabase('events');
const { db } = database;
await createRotator(db, deletingPool).ensureIndexes();
afterAll(() => database.close());

let events: RotationEvent[] = [];
beforeEach(() => {
  events = [];
});
const create = (options: RotatorOptions = {}) =>
  createRotator(db, deletingPool, { lowStockThreshold: 0, ...options, onEvent: (event) => events.push(event) });

test('a rotation is claimed, then rotated, once for all its callers', async () => {
  await seed(db, deletingPool, { keys: [key('k1')], backups: backups(5) });
  const rotator = create();
  const [first] = await Promise.all([rotator.rotate('k1'), rotator.rotate('k1'), rotator.rotate('k1')]);
  const { replacement, rotationId } = asRotated(first);
  const common = { pool: 'deleting', keyId: 'k1', rotationId };
  expect(events).toEqual([
    { type: 'claimed', ...common, backupId: replacement },
    { type: 'rotated', ...common, replacement, attempts: 1 },
  ]);
});

test('no-backup is told once for all callers, with the empty stock', async () => {
  await seed(db, deletingPool, { keys: [key('k1')] });
  const rotator = create();
  await Promise.all([rotator.rotate('k1'), rotator.rotate('k1')]);
  expect(events).toEqual([
    { type: 'low-stock', pool: 'deleting', freeBackups: 0, threshold: 0 },
    { type: 'no-backup', pool: 'deleting', keyId: 'k1' },
  ]);
});

test.each([
  [3, []],
  [4, [4]],
  [200, [4]],
])('low stock with a threshold of %i', async (lowStockThreshold, expected) => {
  await seed(db, deletingPool, { keys: [key('k1')], backups: backups(5) });
  await create({ lowStockThreshold }).rotate('k1');
  const told = events.filter((event) => event.type === 'low-stock');
  expect(told.map(({ freeBackups }) => freeBackups)).toEqual(expected);
});

test('low stock is not told of a rotation that was undone', async () => {
  await seed(db, deletingPool, { keys: [key('k1')], backups: [...backups(1), claimedBefore(key('k1'))] });
  await expect(create({ lowStockThreshold: 9 }).rotate('k1')).rejects.toMatchObject({ code: 'inconsistent' });
  expect(events.filter(({ type }) => type === 'low-stock')).toEqual([]);
});

test('who lost the race to another process is told so', async () => {
  await seed(db, deletingPool, { keys: [key('k1')], backups: backups(5) });
  const gate = createGate();
  const slow = createRotatorOf(flowWithBefore('retireKeys', gate.pass), await database.connect(), deletingPool, {
    onEvent: (event) => events.push(event),
  }).rotate('k1');
  await gate.reached;
  const { replacement } = asRotated(await createRotator(db, deletingPool).rotate('k1'));
  gate.open();
  await slow;
  expect(events.filter(({ type }) => type !== 'low-stock')).toMatchObject([
    { type: 'retried', keyId: 'k1', attempt: 1, reason: 'conflict' },
    { type: 'lost-race', keyId: 'k1', replacement, attempts: 2 },
  ]);
});

// Red where notify does not catch: the rotation would fail after its commit, or hang.
test('what a listener throws becomes an uncaught exception, and the rotation does not notice', async () => {
  await seed(db, deletingPool, { keys: [key('k1')], backups: backups(5), bindings: [binding('p1', 'k1')] });
  const uncaught: unknown[] = [];
  const others = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  process.on('uncaughtException', (error) => uncaught.push(error.message));
  try {
    const rotator = createRotator(db, deletingPool, {
      onEvent: ({ type }) => {
        throw new Error(`listener of ${type}`);
      },
    });
    asRotated(await rotator.rotate('k1'));
    expect(await rotator.rotate('k1')).toMatchObject({ kind: 'already-rotated' });
  } finally {
    process.removeAllListeners('uncaughtException');
    for (const listener of others) process.on('uncaughtException', listener);
  }
  expect(uncaught).toEqual(['listener of claimed', 'listener of low-stock', 'listener of rotated']);
});

// Red where the answer alone says it: whoever reads only the events learns nothing of an outage.
test('what keeps a failed key in its place is told: the brake, another incarnation, no key, no backup', async () => {
  const braked = definePool({ ...deletingPool, brake: { maxRotations: 1, perMs: 60_000 } });
  await seed(db, braked, { keys: [key('k1'), key('k2'), key('k3')], backups: backups(5) });
  const rotator = createRotator(db, braked, { onEvent: (event) => events.push(event) });
  await rotator.rotate('k1');
  events = [];
  await rotator.rotate('k2');
  await rotator.rotate('k3', { incarnation: 'another' });
  await rotator.rotate('k9');
  expect(events).toMatchObject([
    { type: 'held-back', keyId: 'k2', until: expect.any(Date) as Date },
    { type: 'other-incarnation', keyId: 'k3', asked: 'another' },
    { type: 'not-found', keyId: 'k9' },
  ]);
  await seed(db, deletingPool, { keys: [key('k1')] });
  events = [];
  await create().handleFailure(key('k1'), { status: 401 });
  expect(events.at(-1)).toMatchObject({ type: 'marked', keyId: 'k1', until: undefined });
});
