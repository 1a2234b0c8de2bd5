import { openTestDatabase } from 'test-kit';
import { afterAll, describe, expect, test } from 'vitest';
import { createRotator } from '../src/index.ts';
import { backup, backups, key, readState, seed } from './support/documents.ts';
import { asRotated, rejection } from './support/outcomes.ts';
import { deletingPool, keepingPool } from './support/pools.ts';
import { untyped } from './support/untyped.ts';

const database = await openTestDatabase('restore');
const { db } = database;
await createRotator(db, deletingPool).ensureIndexes();
afterAll(() => database.close());

describe.each([deletingPool, keepingPool])('restoreBackup ($name)', (pool) => {
  const rotator = createRotator(db, pool);

  // Red where one of the fields of its use stays on it: it would still count as evidence.
  test('takes every trace of its use off a backup that is no live key', async () => {
    const { usedAt: _at, usedFor: _for, ...fresh } = backup('b1', { note: 'x' });
    await seed(db, pool, { keys: [key('k1')], backups: [{ ...fresh, usedAt: null, usedFor: null }] });
    const { replacement, rotationId } = asRotated(await rotator.rotate('k1'));
    await db.collection<{ _id: string }>('keys').deleteOne({ _id: replacement });
    expect(await rotator.restoreBackup('b1')).toEqual({ kind: 'restored' });
    expect((await readState(db, pool)).backups).toEqual([fresh]);
    expect(await rotator.findRotation(rotationId)).toBeNull();
    expect(await rotator.restoreBackup('b1')).toEqual({ kind: 'already-free' });
  });

  test('refuses a live key', async () => {
    await seed(db, pool, { keys: [key('k1')], backups: backups(1) });
    await rotator.rotate('k1');
    const before = await readState(db, pool);
    expect(await rotator.restoreBackup('b1')).toEqual({ kind: 'live-key' });
    expect(await readState(db, pool)).toEqual(before);
  });

  test('restores one that was replaced itself, and it is taken again', async () => {
    await seed(db, pool, { keys: [key('k1'), key('k2')], backups: backups(2) });
    const first = asRotated(await rotator.rotate('k1'));
    await rotator.rotate(first.replacement);
    expect(await rotator.restoreBackup(first.replacement)).toEqual({ kind: 'restored' });
    expect(asRotated(await rotator.rotate('k2')).replacement).toBe(first.replacement);
  });

  test('a restored key that failed once more is rotated in its new incarnation', async () => {
    await seed(db, pool, { keys: [key('k1'), key('k2')], backups: backups(2) });
    const first = asRotated(await rotator.rotate('k1'));
    await rotator.rotate(first.replacement);
    await rotator.restoreBackup(first.replacement);
    await rotator.rotate('k2');
    await db.collection<{ _id: string }>('backups').insertOne(backup('b3'));
    expect(asRotated(await rotator.rotate(first.replacement)).replacement).toBe('b3');
  });

  test('says not-found, and already-free', async () => {
    await seed(db, pool, { backups: backups(1) });
    expect(await rotator.restoreBackup('b9')).toEqual({ kind: 'not-found' });
    expect(await rotator.restoreBackup('b1')).toEqual({ kind: 'already-free' });
  });

  test('ten calls at once: one restores', async () => {
    await seed(db, pool, { backups: [backup('b1', { isUsed: true, usedFor: 'k1' })] });
    const outcomes = await Promise.all(Array.from({ length: 10 }, () => rotator.restoreBackup('b1')));
    expect(outcomes.filter(({ kind }) => kind === 'restored')).toHaveLength(1);
    expect(outcomes.filter(({ kind }) => kind === 'already-free')).toHaveLength(9);
  });

  test('refuses an id that is none', async () => {
    const error = await rejection(rotator.restoreBackup(untyped({ $ne: null })), 'invalid-argument');
    expect(error.message).toContain('backupId');
  });
});
