import { openTestDatabase } from 'test-kit';
import { afterAll, describe, expect, test } from 'vitest';
import { createRotator, type RotationEvent } from '../src/index.ts';
import { createRotatorOf } from '../src/testing.ts';
import { backups, backupUsedByOldFlow, binding, key, readState, seed } from './support/documents.ts';
import { flowWithBefore } from './support/flows.ts';
import { createGate } from './support/gate.ts';
import { asRotated } from './support/outcomes.ts';
import { deletingPool, keepingPool } from './support/pools.ts';

const database = await openTestDatabase('sweep');
const { db } = database;
const otherDb = await database.connect();
await createRotator(db, deletingPool).ensureIndexes();
afterAll(() => database.close());

describe.each([deletingPool, keepingPool])('sweep ($name)', (pool) => {
  const rotator = createRotator(db, pool);

  test('finds nothing to do in a pool without damage', async () => {
    await seed(db, pool, {
      keys: [key('k1'), key('k2', { status: 'exhausted' })],
      backups: backups(1),
      bindings: [binding('p1', 'k1'), binding('p2', 'k2')],
    });
    const before = await readState(db, pool);
    expect(await rotator.sweep()).toEqual({ moved: 0, unresolved: [] });
    expect(await readState(db, pool)).toEqual(before);
  });

  test('moves what a foreign writer left on replaced keys to the live end, other fields as they are', async () => {
    await seed(db, pool, { keys: [key('k1')], backups: backups(2), bindings: [binding('p0', 'k1')] });
    const { replacement: middle } = asRotated(await rotator.rotate('k1'));
    const { replacement: end } = asRotated(await rotator.rotate(middle));
    const strays = [binding('p1', 'k1', { priority: 5 }), binding('p2', middle, { isActive: false })];
    await db.collection('bindings').insertMany(strays);
    expect(await rotator.sweep()).toEqual({ moved: 2, unresolved: [] });
    const after = await readState(db, pool);
    expect(after.bindings.slice(1)).toEqual(strays.map((stray) => ({ ...stray, keyId: end })));
    expect(await rotator.sweep()).toEqual({ moved: 0, unresolved: [] });
  });

  test('names the keys that have no live successor, and leaves their bindings alone', async () => {
    await seed(db, pool, {
      keys: [key('b1')],
      bindings: [binding('p1', 'gone'), binding('p2', 'gone'), binding('p3', 'b1')],
    });
    const before = await readState(db, pool);
    expect(await rotator.sweep()).toEqual({ moved: 0, unresolved: ['gone'] });
    expect(await readState(db, pool)).toEqual(before);
  });

  // Red where sweep.ts does not write to the key that it moves bindings to: both commit, and the binding dangles again.
  test.each(['readEvidence', 'moveBindings'] as const)(
    'meets a rotation of the very key that it moves bindings to, before %s',
    async (step) => {
      await seed(db, pool, { keys: [key('k1')], backups: backups(2), bindings: [binding('p0', 'k1')] });
      const { replacement } = asRotated(await rotator.rotate('k1'));
      await db.collection('bindings').insertOne(binding('p1', 'k1'));
      const gate = createGate();
      const swept = createRotatorOf(flowWithBefore(step, gate.pass), otherDb, pool).sweep();
      await gate.reached;
      const conflict = Promise.withResolvers<void>();
      const onEvent = ({ type }: RotationEvent): void => {
        if (type === 'retried') conflict.resolve();
      };
      const rotated = createRotator(db, pool, { onEvent }).rotate(replacement);
      await Promise.race([rotated, conflict.promise]); // it commits before the sweep, or meets it
      gate.open();
      const end = asRotated(await rotated).replacement;
      expect(await swept).toEqual({ moved: 1, unresolved: [] });
      for (const { keyId } of (await readState(db, pool)).bindings) expect(keyId).toBe(end);
    },
  );
});

test('many dangling keys take several transactions', async () => {
  const rotator = createRotator(db, deletingPool);
  const ids = Array.from({ length: 250 }, (_, index) => `k${String(index)}`);
  await seed(db, deletingPool, {
    keys: ids.map((id) => key(`b-${id}`)),
    backups: ids.map((id) => backupUsedByOldFlow(`b-${id}`, id)),
    bindings: ids.map((id) => binding(`p-${id}`, id)),
  });
  expect(await rotator.sweep()).toEqual({ moved: 250, unresolved: [] });
  for (const { proxyId, keyId } of (await readState(db, deletingPool)).bindings)
    expect(`p-${String(keyId)}`).toBe(`p-b-${proxyId.slice(2)}`);
});
