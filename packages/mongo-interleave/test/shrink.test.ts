import * as fc from 'fast-check';
import { MongoClient, type Db } from 'mongodb';
import { createTestDatabaseName, exploringSet } from 'test-kit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { interleave, type InterleaveOptions, type Outcome, type RunResult, type Schedule } from '../src/index.ts';
import { schedules } from '../src/fast-check.ts';
import { checkedClaim, createCollections, rotationScenario } from './support/rotation.ts';

const set = exploringSet();
const database = createTestDatabaseName('shrink');
const control = new MongoClient(set.uri);
beforeAll(() => createCollections(control.db(database)));
afterAll(() => control.close());

let runs = 0;
const scenario = (options: Partial<InterleaveOptions<string>> = {}) =>
  interleave({
    uri: set.uri,
    database,
    clients: 3,
    flow: checkedClaim,
    ...rotationScenario,
    ...options,
    reset: async (db) => {
      runs++;
      await rotationScenario.reset(db);
      if (options.reset !== undefined) await options.reset(db);
    },
  });

/** Two backups are enough for three callers of one key; who finds none was robbed. */
const falseNoBackup = {
  reset: async (db: Db) => {
    await db.collection('backups').deleteMany({ _id: { $in: ['b3', 'b4'] as never[] } });
  },
  check: (_db: Db, outcomes: readonly Outcome<string>[]) => {
    if (outcomes.some((outcome) => outcome.kind === 'returned' && outcome.value === 'no-backup'))
      throw new Error('no-backup, though one was wasted');
  },
};

const MAX_SHRINK_RUNS = 30;
const SEEDS = [1, 2, 3, 7, 9, 12];

/** The first of these random schedules that is violated. */
async function firstViolated(
  one: { run(schedule: Schedule): Promise<RunResult<string>> },
  seed: number,
): Promise<RunResult<string>> {
  for (const schedule of fc.sample(schedules({ clients: 3, commands: 6 }), { seed, numRuns: 100 })) {
    const result = await one.run(schedule);
    if (result.verdict.kind === 'violated') return result;
  }
  throw new Error(`none of 100 schedules of seed ${seed} is violated`);
}

describe('a violated schedule of three clients shrinks', () => {
  test.each(SEEDS)('to one preemption of two clients: a wasted backup, seed %i', async (seed) => {
    await using one = await scenario();
    const failing = await firstViolated(one, seed);
    runs = 0;
    const small = await one.shrink(failing.token);
    expect(small).toMatchObject({ verdict: { kind: 'violated' }, preemptions: 1 });
    expect(new Set(small.trace.map(({ client }) => client)).size).toBe(2);
    // one more than the limit: the given schedule is run first
    expect(runs).toBeLessThanOrEqual(MAX_SHRINK_RUNS + 1);
    expect(await one.run(small.token)).toEqual(small);
  });

  test.each(SEEDS)('to two preemptions: no-backup, which needs three clients, seed %i', async (seed) => {
    await using one = await scenario(falseNoBackup);
    const failing = await firstViolated(one, seed);
    runs = 0;
    const small = await one.shrink(failing.token);
    expect(small.verdict.kind).toBe('violated');
    expect(small.preemptions).toBeLessThanOrEqual(2);
    expect(runs).toBeLessThanOrEqual(MAX_SHRINK_RUNS + 1);
  });
});

test('a schedule that is not violated is left as it is', async () => {
  await using one = await scenario();
  expect(await one.shrink('v1:AAAAAABC')).toMatchObject({ token: 'v1:AAAAAABC', verdict: { kind: 'valid' } });
});

describe('shrinking stays with the failure', () => {
  // Two callers, and one backup is wasted. The rule of this check needs both: who did not take part counts as not served.
  const servedBoth = async (db: Db, outcomes: readonly Outcome<string>[]): Promise<void> => {
    const used = await db.collection('backups').countDocuments({ isUsed: true });
    if (used !== 1 || outcomes.some(({ kind }) => kind !== 'returned')) throw new Error('not served as it should be');
  };

  test('a check that takes an absent client for a wrong one', async () => {
    await using one = await scenario({ clients: 2, check: servedBoth });
    const small = await one.shrink('v1:AAABABBBAA');
    expect(small).toMatchObject({ verdict: { kind: 'violated' }, preemptions: 1 });
    expect(small.outcomes.map(({ kind }) => kind)).toEqual(['returned', 'returned']);
  });

  test('a client that has no part in the failure goes, also from a check that takes two absent ones for wrong', async () => {
    await using one = await scenario({
      check: (db, outcomes) => servedBoth(db, outcomes.filter(({ kind }) => kind !== 'absent').slice(0, 2)),
    });
    const small = await one.shrink('v1:AAABABCBBAA');
    expect(small.verdict.kind).toBe('violated');
    expect(new Set(small.trace.map(({ client }) => client)).size).toBe(2);
  });

  test('another failure with fewer switches is not taken', async () => {
    // A schedule without switches breaks another rule: one caller after the other.
    const check = async (db: Db): Promise<void> => {
      const used = await db.collection('backups').countDocuments({ isUsed: true });
      throw new Error(used === 1 ? 'I2: served one after the other' : 'I1: a backup was wasted');
    };
    await using one = await scenario({ clients: 2, check });
    const small = await one.shrink('v1:AAABABBBAA');
    expect(small.verdict).toMatchObject({ error: { message: 'I1: a backup was wasted' } });
    expect(small.preemptions).toBe(1);
  });
});

test('in a property: fast-check finds a schedule and shrinks it, and its seed and path replay it', async () => {
  await using one = await scenario();
  const property = fc.asyncProperty(schedules({ clients: 3, commands: 6 }), async (schedule) => {
    const { verdict, token } = await one.run(schedule);
    if (verdict.kind === 'violated') throw new Error(token, { cause: verdict.error });
  });
  const found = await fc.check(property, { seed: 1 });
  const [schedule] = found.counterexample ?? [];
  expect(schedule).toMatchObject({ faults: [] });
  expect([schedule?.clients.length, schedule?.switches.length]).toEqual([2, 1]);
  const again = await fc.check(property, { seed: 1, path: found.counterexamplePath ?? '' });
  expect([again.counterexample, again.numRuns]).toEqual([found.counterexample, 1]);
});
