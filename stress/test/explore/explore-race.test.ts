import { MongoClient } from 'mongodb';
import { afterAll, describe, expect, test } from 'vitest';
import { exploreRace } from '../../src/explore/explore-race.ts';
import { openRace } from '../../src/explore/open-race.ts';
import { planOne, type RaceSelection } from '../../src/explore/plan-explorations.ts';
import { BrokenPromises } from '../../src/explore/broken-promises.ts';
import type { RunResult } from '../../src/report/run-result.ts';
import type { PairScenario } from '../../src/explore/scenarios/pair-scenario.ts';
import { bindThrice } from '../../src/scenarios/build.ts';
import { referenceBare } from '../../src/subjects/reference.ts';
import type { Subject } from '../../src/subjects/subject.ts';
import { startExploringSet } from '../support/exploring-set.ts';

const set = await startExploringSet();
const control = new MongoClient(set.uri);
afterAll(() => control.close());

const TIME_LIMIT_MS = 150_000;
const explored = (selected: RaceSelection, violationLimit = Infinity): Promise<RunResult> =>
  exploreRace(set.uri, planOne(selected), { violationLimit, signal: AbortSignal.timeout(TIME_LIMIT_MS) });

describe('the reference: each class is clean', { timeout: TIME_LIMIT_MS + 10_000 }, () => {
  test.each([
    [{ subject: 'reference-bare' }, 6],
    [{ subject: 'reference-bare', callers: 3 }, 27],
    [{ subject: 'reference-bare', callers: 4 }, 108],
    [{ subject: 'reference', callers: 3 }, 27],
    [{ subject: 'reference' }, 6],
    [{ subject: 'reference-bare', adapter: 'openhands' }, 6],
    [{ subject: 'reference-bare', adapter: 'openhandspool' }, 6],
    [{ subject: 'reference-bare', adapter: 'mixed' }, 6],
    [{ subject: 'reference-bare', scenario: 'two-keys' }, 6],
    [{ subject: 'reference-bare', scenario: 'two-keys-one-backup' }, 6],
    [{ subject: 'reference-bare', scenario: 'chain' }, 9],
    [{ subject: 'reference-bare', scenario: 'binding-added', callers: 1 }, 6],
    [{ subject: 'reference-bare', scenario: 'restore', callers: 1 }, 3],
    [{ subject: 'reference-bare', faults: ['crash-after'], preemptionLimit: 0 }, 22],
  ] as const)('%j', async (selected, classes) => {
    const { verdict, violations, exploration } = await explored(selected);
    expect({ verdict, violations }).toEqual({ verdict: 'valid', violations: [] });
    expect(exploration).toMatchObject({ classes, complete: true });
  });
});

/*
 * Seven statements, for it reads the bindings before it deletes them: with six there are 10 classes, of which 8 are violated. The
 * two in which one caller is done before the other begins are clean. A brute force over a model of the flow gives the same counts.
 */
test('checked-claim: 16 of its 18 classes are violated', async () => {
  const planned = planOne({ subject: 'checked-claim' });
  await using race = await openRace(set.uri, planned);
  const { classes, cut, complete, violations } = await race.interleaving.explore();
  expect({ classes, cut, complete, violations: violations.length }).toEqual({
    classes: 18,
    cut: 0,
    complete: true,
    violations: 16,
  });
});

test('a violation: the schedule with the fewest switches, its steps, and a command that names it', async () => {
  const { verdict, violations, exploration, reproduce } = await explored({ subject: 'checked-claim' }, 1);
  expect(verdict).toBe('violated');
  expect(violations[0]).toEqual({
    promise: 'I1',
    sentence: 'k1 took 2 backups instead of one: b1 by caller 0, b2 by caller 1',
  });
  expect(exploration?.token).toBe('v1:AAAABBBBBBA');
  expect(exploration?.trace).toContain('B returned "caller 1: k1 rotated b2"');
  expect(exploration?.trace).not.toMatch(/key of/);
  expect(reproduce).toBe(
    'pnpm stress replay v1:AAAABBBBBBA --subject checked-claim --scenario same-key --adapter keypool --callers 2',
  );
});

test('what the check throws carries all violations', async () => {
  await using race = await openRace(set.uri, planOne({ subject: 'checked-claim' }));
  const { verdict } = await race.interleaving.run('v1:AAAABBBBBBA');
  if (verdict.kind === 'valid' || !(verdict.error instanceof BrokenPromises)) throw new Error('expected a violation');
  const [first] = verdict.error.violations;
  expect(verdict.error.message).toBe(`I1: ${first?.sentence}`);
  expect(new Set(verdict.error.violations.map(({ promise }) => promise))).toEqual(new Set(['I1', 'I2', 'I3', 'I5']));
});

test('a crash after the last command: nobody was told, and that breaks nothing', async () => {
  await using race = await openRace(set.uri, planOne({ subject: 'reference-bare', callers: 1 }));
  const { verdict, outcomes } = await race.interleaving.run('v1:AAAAAAAA*AAAA');
  expect(verdict).toEqual({ kind: 'valid' });
  expect(outcomes).toEqual([{ kind: 'returned', value: 'caller 0: k1 already-rotated b1' }]);
});

test('a call counts as begun with its first command: an answer that was out of date then has no place in the order', async () => {
  const stale: Subject = {
    ...referenceBare,
    open: (db, pool, ...rest) => ({
      rotate: async (caller, keyId) => {
        if (caller === 0) return referenceBare.open(db, pool, ...rest).rotate(caller, keyId);
        await db.collection(pool.collections.keys).findOne({});
        return { kind: 'not-found' };
      },
    }),
  };
  const scenario: PairScenario = {
    name: 'replacement-asked-for',
    about: 'one caller rotates k1 and gets b1, the other asks for b1',
    plan: () => ({
      start: { keys: ['k1'], backups: ['b1'], bindings: bindThrice('k1') },
      clients: ['k1', 'b1'].map((keyId, caller) => ({ calls: [{ caller, keyId }] })),
    }),
  };
  await using race = await openRace(set.uri, { subject: stale, adapter: 'keypool', scenario, callers: 2 });
  expect((await race.interleaving.run('v1:BAAAAAAAA')).verdict).toEqual({ kind: 'valid' });
  expect((await race.interleaving.run('v1:AAAAAAAAB')).verdict).toMatchObject({
    kind: 'violated',
    error: {
      message:
        "I7: no order explains rotation of k1: it was over at 8.0 steps, but can't have come before 8.5 steps, when the caller 1's not-found for b1 was called",
    },
  });
});

test('an old flow that crashes between its claim and its insert is caught', async () => {
  const { verdict, violations } = await explored({ subject: 'checked-claim', callers: 1, faults: ['crash-after'] });
  expect(verdict).toBe('violated');
  expect(violations.map(({ promise }) => promise)).toContain('I2');
});

test('a signal ends it in the middle, and what was found so far is told', async () => {
  const ended = new AbortController();
  const result = await exploreRace(set.uri, planOne({ subject: 'reference-bare', callers: 3 }), {
    violationLimit: Infinity,
    signal: ended.signal,
    onProgress: ({ runs }) => {
      if (runs === 5) ended.abort(new Error('enough'));
    },
  });
  expect(result).toMatchObject({ verdict: 'unknown', reason: 'interrupted', exploration: { complete: false } });
  expect(result.exploration?.runs).toBeGreaterThanOrEqual(5);
});

test('no database is left', async () => {
  const name = await (async () => {
    await using race = await openRace(set.uri, planOne({ subject: 'naive' }));
    await race.interleaving.run('v1:AAAAAAABBBB').catch(() => undefined);
    return race.database;
  })();
  const { databases } = await control.db('admin').admin().listDatabases({ nameOnly: true });
  expect(databases.map((one) => one.name)).not.toContain(name);
});
