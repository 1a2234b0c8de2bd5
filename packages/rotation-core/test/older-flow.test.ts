import { openTestDatabase } from 'test-kit';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { createRotator, definePool, type Pool, type RotationEvent } from '../src/index.ts';
import { backups, backupUsedByOldFlow, binding, key, readState, seed, usedOf } from './support/documents.ts';
import { deletingPool, keepingPool } from './support/pools.ts';

/* A flow of an earlier release runs beside this package: it claims first, and makes the key in a later command. */

const database = await openTestDatabase('older');
const { db } = database;
await createRotator(db, deletingPool).ensureIndexes();
afterAll(() => database.close());

const keys = db.collection<{ _id: string }>('keys');
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const older = (pool: Pool, maxOlderFlowMs: number): Pool => definePool({ ...pool, maxOlderFlowMs });

/** What is left for the older flow to do after its claim of b1 for k1, until b1 is a key. */
const restOf: Readonly<Record<string, (() => Promise<unknown>)[]>> = {
  deleting: [
    () => db.collection('bindings').updateMany({ keyId: 'k1' }, { $set: { keyId: 'b1' } }),
    () => keys.deleteOne({ _id: 'k1' }),
    () => keys.insertOne(key('b1')),
  ],
  keeping: [
    () => keys.updateOne({ _id: 'k1' }, { $set: { status: 'exhausted' } }),
    () => db.collection('bindings').updateMany({ keyId: 'k1' }, { $set: { keyId: 'b1' } }),
    () => keys.insertOne(key('b1')),
  ],
};

describe.each([deletingPool, keepingPool])('an older flow is rotating the key ($name)', (pool) => {
  const rest = restOf[pool.name] ?? [];
  const events: RotationEvent[] = [];
  const rotator = createRotator(db, pool, { onEvent: (event) => events.push(event) });
  beforeEach(() => void events.splice(0));

  test.each(rest.map((_, done) => done))('and has done %i commands since its claim: it is waited for', async (done) => {
    await seed(db, pool, {
      keys: [key('k1')],
      backups: [backupUsedByOldFlow('b1', 'k1', new Date()), ...backups(3).slice(1)],
      bindings: [binding('p1', 'k1')],
    });
    for (const command of rest.slice(0, done)) await command();
    const outcome = rotator.rotate('k1');
    for (const command of rest.slice(done)) {
      await pause(100);
      await command();
    }
    expect(await outcome).toEqual({ kind: 'already-rotated', keyId: 'k1', replacement: 'b1' });
    const state = await readState(db, pool);
    expect(usedOf(state).map(({ _id }) => _id)).toEqual(['b1']);
    expect(state.bindings.map(({ keyId }) => keyId)).toEqual(['b1']);
    expect(events).toContainEqual(expect.objectContaining({ type: 'retried', keyId: 'k1', reason: 'older-flow' }));
  });

  test('and died: it is waited for so long, by the server’s clock, and other keys are not', async () => {
    const bounded = createRotator(db, older(pool, 1_000));
    await seed(db, pool, {
      keys: [key('k1'), key('k2')],
      backups: [backupUsedByOldFlow('b1', 'k1', new Date()), ...backups(3).slice(1)],
    });
    const startedMs = performance.now();
    const waited = bounded.rotate('k1');
    expect(await bounded.rotate('k2')).toMatchObject({ kind: 'rotated' });
    expect(performance.now() - startedMs).toBeLessThan(900);
    expect(await waited).toMatchObject({ kind: 'rotated' });
    expect(performance.now() - startedMs).toBeGreaterThan(900);
  });

  test.each([
    ['long ago', -60_000],
    ['in a future that no clock has', 60_000],
  ])('but its claim was made %s', async (_what, ms) => {
    await seed(db, pool, {
      keys: [key('k1')],
      backups: [backupUsedByOldFlow('b1', 'k1', new Date(Date.now() + ms)), ...backups(2).slice(1)],
    });
    expect(await rotator.rotate('k1')).toMatchObject({ kind: 'rotated', attempts: 1 });
  });

  test('but claimed for an incarnation before this one', async () => {
    await seed(db, pool, {
      keys: [key('k1', { createdAt: new Date() })],
      backups: [backupUsedByOldFlow('b1', 'k1', new Date(Date.now() - 1_000)), ...backups(2).slice(1)],
    });
    expect(await rotator.rotate('k1')).toMatchObject({ kind: 'rotated', attempts: 1 });
  });

  test('and a pool knows of no older flow: it is not waited for', async () => {
    await seed(db, pool, {
      keys: [key('k1')],
      backups: [backupUsedByOldFlow('b1', 'k1', new Date()), ...backups(2).slice(1)],
    });
    expect(await createRotator(db, older(pool, 0)).rotate('k1')).toMatchObject({ kind: 'rotated', attempts: 1 });
  });

  test('and takes longer than the deadline: busy, and nothing is changed', async () => {
    await seed(db, pool, {
      keys: [key('k1')],
      backups: [backupUsedByOldFlow('b1', 'k1', new Date()), ...backups(2).slice(1)],
    });
    expect(await rotator.rotate('k1', { deadlineMs: 500 })).toMatchObject({ kind: 'busy' });
    expect(usedOf(await readState(db, pool)).map(({ _id }) => _id)).toEqual(['b1']);
    expect(events).toContainEqual(expect.objectContaining({ type: 'busy', reason: 'older-flow' }));
  });
});
