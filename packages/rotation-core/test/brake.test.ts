import { openTestDatabase } from 'test-kit';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { createRotator, definePool, type Pool, type RotationOutcome } from '../src/index.ts';
import { backups, binding, key, readState, seed, usedOf } from './support/documents.ts';
import { countKinds } from './support/outcomes.ts';
import { deletingPool, keepingPool } from './support/pools.ts';

/* An upstream that refuses every key: what fails so often tells of the upstream, not of the keys. */

const database = await openTestDatabase('brake');
const { db } = database;
afterAll(() => database.close());
beforeEach(() => db.dropDatabase());

const PER_MS = 60_000;
const braked = (pool: Pool, maxRotations: number, perMs = PER_MS): Pool =>
  definePool({ ...pool, brake: { maxRotations, perMs } });

/** Each key fails, and whatever takes its place, until nothing is rotated any more. */
async function failAll(pool: Pool, keyIds: readonly string[], rotators = 4): Promise<RotationOutcome[]> {
  const services = await Promise.all(
    Array.from({ length: rotators }, async () => createRotator(await database.connect(), pool)),
  );
  const all = await Promise.all(
    services.flatMap((service) =>
      keyIds.map(async (first) => {
        const outcomes: RotationOutcome[] = [];
        for (let id = first; ;) {
          const outcome = await service.rotate(id);
          outcomes.push(outcome);
          if (outcome.kind !== 'rotated' && outcome.kind !== 'already-rotated') return outcomes;
          id = outcome.replacement;
        }
      }),
    ),
  );
  return all.flat();
}

describe.each([deletingPool, keepingPool])('an upstream that is down ($name)', (pool) => {
  test('costs as many backups as the brake allows, in all processes together, and nothing is lost', async () => {
    const bound = braked(pool, 20);
    await createRotator(db, bound).ensureIndexes();
    const ids = ['k1', 'k2', 'k3', 'k4', 'k5'];
    await seed(db, bound, {
      keys: [...ids, 'k0'].map((id) => key(id)),
      backups: backups(200),
      bindings: ids.map((id) => binding(`p-${id}`, id)),
    });
    await createRotator(db, bound).rotate('k0');
    const outcomes = await failAll(bound, ids);
    const state = await readState(db, bound);
    expect(usedOf(state)).toHaveLength(20);
    expect(countKinds(outcomes)).toMatchObject({ rotated: 19, 'held-back': 20 });
    const live = new Set(state.keys.filter(({ replacedBy }) => replacedBy === undefined).map(({ _id }) => _id));
    expect(live.size).toBe(6);
    for (const { keyId } of state.bindings) expect(live).toContain(keyId);
  });
});

// Red where 16 transactions at once count as few: 112 of 100. And where nothing was ever claimed, so that there was no claim to conflict on.
test.each([0, 1])(
  'is not exceeded by 24 rotators at once, after %i earlier claims',
  { timeout: 60_000 },
  async (earlier) => {
    const pool = braked(deletingPool, 30);
    const rotators = await Promise.all(
      Array.from({ length: 24 }, async () => createRotator(await database.connect(), pool, { deadlineMs: 50_000 })),
    );
    await rotators[0]?.ensureIndexes();
    const ids = Array.from({ length: 72 }, (_, index) => `k${String(index)}`);
    await seed(db, pool, { keys: ['k', ...ids].map((id) => key(id)), backups: backups(100) });
    if (earlier > 0) await rotators[0]?.rotate('k');
    const outcomes = await Promise.all(
      rotators.map(async (rotator, index) => {
        const own: RotationOutcome[] = [];
        for (const id of ids.slice(3 * index, 3 * index + 3)) own.push(await rotator.rotate(id));
        return own;
      }),
    );
    expect(countKinds(outcomes.flat())).toEqual({ rotated: 30 - earlier, 'held-back': 42 + earlier });
    expect(usedOf(await readState(db, pool))).toHaveLength(30);
  },
);

test('says until when, and lets the next one pass then', async () => {
  const pool = braked(deletingPool, 1, 1_000);
  const rotator = createRotator(db, pool);
  await rotator.ensureIndexes();
  await seed(db, pool, { keys: [key('k1'), key('k2')], backups: backups(2) });
  await rotator.rotate('k1');
  const held = await rotator.rotate('k2');
  expect(held).toEqual({ kind: 'held-back', keyId: 'k2', until: expect.any(Date) as Date });
  const waitMs = held.kind === 'held-back' ? held.until.getTime() - Date.now() : 0;
  expect(waitMs).toBeGreaterThan(0);
  expect(waitMs).toBeLessThanOrEqual(1_000);
  await new Promise((resolve) => setTimeout(resolve, waitMs + 20));
  expect(await rotator.rotate('k2')).toMatchObject({ kind: 'rotated' });
});

test('counts the claims of its own pool only', async () => {
  const pool = braked(deletingPool, 1);
  const other = braked(definePool({ ...pool, collections: { ...pool.collections, keys: 'other_keys' } }), 1);
  await createRotator(db, pool).ensureIndexes();
  await seed(db, pool, { keys: [key('k1')], backups: backups(2) });
  await db.collection<{ _id: string }>('other_keys').insertOne(key('o1'));
  expect(await createRotator(db, pool).rotate('k1')).toMatchObject({ kind: 'rotated' });
  expect(await createRotator(db, other).rotate('o1')).toMatchObject({ kind: 'rotated' });
});

test('is read from the index alone', async () => {
  await createRotator(db, deletingPool).ensureIndexes();
  const plan = await db
    .collection('backups')
    .find({ usedIn: 'keys', usedAt: { $type: 'date' } }, { projection: { ageMs: { $subtract: ['$$NOW', '$usedAt'] } } })
    .sort({ usedAt: -1 })
    .limit(100)
    .explain('queryPlanner');
  const text = JSON.stringify(plan['queryPlanner'].winningPlan);
  expect(text).toContain('rotation_recent');
  expect(text).not.toMatch(/COLLSCAN|"SORT"|FETCH/);
});
