import { openTestDatabase } from 'test-kit';
import { afterAll, describe, expect, test } from 'vitest';
import { createRotator, type Rotator } from '../src/index.ts';
import { createRotatorOf, referenceFlow } from '../src/testing.ts';
import { backup, backups, backupUsedByOldFlow, binding, key, readState, seed, usedOf } from './support/documents.ts';
import { flowWith, flowWithBefore } from './support/flows.ts';
import { createGate } from './support/gate.ts';
import { asRotated, rejection } from './support/outcomes.ts';
import { deletingPool, keepingPool } from './support/pools.ts';
import { untyped } from './support/untyped.ts';

const database = await openTestDatabase('bind');
const { db } = database;
const otherDb = await database.connect();
const rotator: Rotator = createRotator(db, deletingPool);
await rotator.ensureIndexes();
afterAll(() => database.close());

test('adds a binding with its defaults and the given fields', async () => {
  await seed(db, deletingPool, { keys: [key('k1')] });
  expect(await rotator.bind({ proxyId: 'p1', keyId: 'k1' })).toEqual({ kind: 'bound', keyId: 'k1' });
  expect(await rotator.bind({ proxyId: 'p2', keyId: 'k1', fields: { priority: 3, isActive: false } })).toEqual({
    kind: 'bound',
    keyId: 'k1',
  });
  const added = { _id: expect.anything(), createdAt: expect.any(Date), keyId: 'k1' };
  expect((await readState(db, deletingPool)).bindings).toEqual([
    { ...added, proxyId: 'p1', isActive: true },
    { ...added, proxyId: 'p2', isActive: false, priority: 3 },
  ]);
});

test('fields can not move the binding elsewhere', async () => {
  await seed(db, deletingPool, { keys: [key('k1'), key('k2')] });
  await rotator.bind({ proxyId: 'p1', keyId: 'k1', fields: { keyId: 'k2', proxyId: 'p2' } });
  expect((await readState(db, deletingPool)).bindings).toMatchObject([{ proxyId: 'p1', keyId: 'k1' }]);
});

test('leaves a binding that is there as it is', async () => {
  await seed(db, deletingPool, { keys: [key('k1')], bindings: [binding('p1', 'k1', { priority: 9 })] });
  const before = await readState(db, deletingPool);
  expect(await rotator.bind({ proxyId: 'p1', keyId: 'k1', fields: { priority: 1 } })).toEqual({
    kind: 'already-bound',
    keyId: 'k1',
  });
  expect((await readState(db, deletingPool)).bindings).toEqual(before.bindings);
});

test('goes to the live successor of a replaced key', async () => {
  await seed(db, deletingPool, { keys: [key('k1')], backups: backups(2), bindings: [binding('p1', 'k1')] });
  const { replacement } = asRotated(await rotator.rotate('k1'));
  expect(await rotator.bind({ proxyId: 'p1', keyId: 'k1' })).toEqual({ kind: 'already-bound', keyId: replacement });
  expect(await rotator.bind({ proxyId: 'p2', keyId: 'k1' })).toEqual({ kind: 'bound', keyId: replacement });
});

test('says not-found where there is nothing to bind to', async () => {
  await seed(db, deletingPool, {});
  expect(await rotator.bind({ proxyId: 'p1', keyId: 'k1' })).toEqual({ kind: 'not-found' });
  expect((await readState(db, deletingPool)).bindings).toEqual([]);
});

// Red where two calls read that there is no binding without writing to the key: both insert.
test('ten calls at once add one binding', async () => {
  await seed(db, deletingPool, { keys: [key('k1')] });
  const rotators = [rotator, createRotator(otherDb, deletingPool)];
  const calls = Array.from({ length: 5 }, () => rotators.map((each) => each.bind({ proxyId: 'p1', keyId: 'k1' })));
  const outcomes = await Promise.all(calls.flat());
  expect(outcomes.filter(({ kind }) => kind === 'bound')).toHaveLength(1);
  expect((await readState(db, deletingPool)).bindings).toMatchObject([{ proxyId: 'p1', keyId: 'k1' }]);
});

describe.each([deletingPool, keepingPool])('at the moment of a rotation ($name)', (pool) => {
  // Red without the $inc on the key in bind.ts: both commit, and the binding stays on the retired key.
  test('the rotation commits first: the binding goes to the replacement', async () => {
    await seed(db, pool, { keys: [key('k1')], backups: backups(1), bindings: [binding('p1', 'k1')] });
    const gate = createGate();
    const flow = flowWith({
      readKeys: async (...args) => {
        const keys = await referenceFlow.steps.readKeys(...args);
        await gate.pass();
        return keys;
      },
    });
    const bound = createRotatorOf(flow, otherDb, pool).bind({ proxyId: 'p2', keyId: 'k1' });
    await gate.reached;
    asRotated(await createRotator(db, pool).rotate('k1'));
    gate.open();
    expect(await bound).toEqual({ kind: 'bound', keyId: 'b1' });
    expect((await readState(db, pool)).bindings).toMatchObject([{ keyId: 'b1' }, { keyId: 'b1' }]);
  });

  // The same line: the rotation's snapshot would not hold the new binding.
  test('the binding commits first: the rotation takes it along', async () => {
    await seed(db, pool, { keys: [key('k1')], backups: backups(1), bindings: [binding('p1', 'k1')] });
    const gate = createGate();
    const rotated = createRotatorOf(flowWithBefore('retireKeys', gate.pass), otherDb, pool).rotate('k1');
    await gate.reached;
    expect(await createRotator(db, pool).bind({ proxyId: 'p2', keyId: 'k1' })).toEqual({ kind: 'bound', keyId: 'k1' });
    gate.open();
    asRotated(await rotated);
    expect((await readState(db, pool)).bindings).toMatchObject([{ keyId: 'b1' }, { keyId: 'b1' }]);
  });
});

// Red where bind.ts takes every key without `replacedBy` for live: the bound key would look like one that waits for stock, and
// the next caller would take a second backup for it.
test('a key that an older flow replaced but kept is not bound again', async () => {
  await seed(db, keepingPool, {
    keys: [key('k1', { status: 'exhausted' }), key('b1')],
    backups: [backupUsedByOldFlow('b1', 'k1'), backup('b2')],
    bindings: [binding('p1', 'b1')],
  });
  const keeping = createRotator(db, keepingPool);
  expect(await keeping.bind({ proxyId: 'p2', keyId: 'k1' })).toEqual({ kind: 'bound', keyId: 'b1' });
  expect(await keeping.rotate('k1')).toMatchObject({ kind: 'already-rotated', replacement: 'b1' });
  expect(usedOf(await readState(db, keepingPool))).toHaveLength(1);
});

test.each([
  ['proxyId', { proxyId: untyped({ $ne: null }), keyId: 'k1' }],
  ['proxyId', { proxyId: '', keyId: 'k1' }],
  ['proxyId', { proxyId: untyped(7), keyId: 'k1' }],
  ['proxyId', { proxyId: untyped({ $oid: '66a000000000000000000000' }), keyId: 'k1' }],
  ['proxyId', untyped({ keyId: 'k1' })],
  ['proxyId', untyped(undefined)],
  ['proxyId', untyped(null)],
  ['keyId', untyped({ proxyId: 'p1' })],
  ['keyId', { proxyId: 'p1', keyId: untyped({ $gt: '' }) }],
  ['keyId', { proxyId: 'p1', keyId: 'x'.repeat(1_025) }],
])('refuses a bad %s', async (name, request) => {
  const { message } = await rejection(rotator.bind(request), 'invalid-argument');
  expect(message).toMatch(new RegExp(`^Expected ${name} to be .*$`));
});
