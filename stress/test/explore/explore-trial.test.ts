import type { Scenario } from 'mongo-harness';
import {
  exploreTrial,
  judgeSchedule,
  openGatedScenario,
  planExploration,
  type ExplorationSelection,
  type ExplorationTrial,
  type GatedScenario,
  type Row,
} from 'mongo-harness/testing';
import { MongoClient } from 'mongodb';
import { exploringSet } from 'test-kit';
import { afterAll, describe, expect, test } from 'vitest';
import { referenceBare } from '../../src/flows/reference.ts';
import type { RotationFlow } from '../../src/flows/rotation-flow.ts';
import rotationSystem from '../../src/rotation-system.ts';
import type { RotationTypes } from '../../src/model/rotation-types.ts';
import { bindThrice } from '../../src/scenarios/build.ts';
import { createTestContext } from '../support/test-context.ts';

const set = exploringSet();
const control = new MongoClient(set.uri);
afterAll(() => control.close());

const context = createTestContext();
const MAX_DURATION_MS = 150_000;
const planOne = (selection: ExplorationSelection): ExplorationTrial => planExploration(rotationSystem, selection);
const explored = (selection: ExplorationSelection, maxViolations = Infinity): Promise<Row> => {
  const signal = AbortSignal.timeout(MAX_DURATION_MS);
  return exploreTrial({ ...context, signal }, set.uri, planOne(selection), { maxViolations });
};
const open = (selection: ExplorationSelection): Promise<GatedScenario> =>
  openGatedScenario(rotationSystem, set.uri, planOne(selection));

describe('the reference: each class is clean', { timeout: MAX_DURATION_MS + 10_000 }, () => {
  test.each([
    [{ flow: 'reference-bare' }, 6],
    [{ flow: 'reference-bare', callers: 3 }, 27],
    [{ flow: 'reference-bare', callers: 4 }, 108],
    [{ flow: 'reference', callers: 3 }, 27],
    [{ flow: 'reference' }, 6],
    [{ flow: 'reference-bare', deployment: 'openhands' }, 6],
    [{ flow: 'reference-bare', deployment: 'openhandspool' }, 6],
    [{ flow: 'reference-bare', deployment: 'mixed' }, 6],
    [{ flow: 'reference-bare', scenario: 'many-keys' }, 6],
    [{ flow: 'reference-bare', scenario: 'scarce' }, 6],
    [{ flow: 'reference-bare', scenario: 'chain' }, 9],
    [{ flow: 'reference-bare', scenario: 'binding-added', callers: 1 }, 5],
    [{ flow: 'reference-bare', scenario: 'restore', callers: 1 }, 3],
    [{ flow: 'reference-bare', scenario: 'other-incarnation' }, 2],
    [{ flow: 'reference-bare', scenario: 'other-incarnation', callers: 3 }, 4],
    [{ flow: 'reference-bare', scenario: 'upstream-down', deployment: 'braked' }, 6],
    [{ flow: 'reference-bare', scenario: 'upstream-down', deployment: 'braked', callers: 3 }, 27],
    [
      {
        flow: 'reference-bare',
        scenario: 'upstream-down',
        deployment: 'braked',
        faults: ['crash-after'],
        maxPreemptions: 0,
      },
      36,
    ],
    [{ flow: 'reference-bare', faults: ['crash-after'], maxPreemptions: 0 }, 24],
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
  await using scenario = await open({ flow: 'checked-claim' });
  const { classes, redundant, complete, violated } = await scenario.session.explore();
  expect({ classes, redundant, complete, violated }).toEqual({
    classes: 18,
    redundant: 0,
    complete: true,
    violated: 16,
  });
});

test('a violation: the schedule with the fewest switches, its steps, and a command that names it', async () => {
  const { verdict, violations, exploration, reproduce } = await explored({ flow: 'checked-claim' }, 1);
  expect(verdict).toBe('violated');
  expect(violations[0]).toEqual({
    invariant: 'I1',
    sentence: 'k1 took 2 backups instead of one: b1 by caller 0, b2 by caller 1',
  });
  expect(exploration?.token).toBe('v1:AAAABBBBBBA');
  expect(exploration?.trace).toContain('B returned "caller 1: k1 rotated b2"');
  expect(exploration?.trace).not.toMatch(/key of/);
  expect(reproduce).toBe(
    'pnpm stress replay v1:AAAABBBBBBA --flow checked-claim --scenario same-key --deployment keypool --callers 2',
  );
});

test('what the check throws carries all violations', async () => {
  await using scenario = await open({ flow: 'checked-claim' });
  const { verdict } = await scenario.session.run('v1:AAAABBBBBBA');
  const { violations } = judgeSchedule({ verdict });
  const [first] = violations;
  expect(verdict).toMatchObject({ kind: 'violated', error: { message: `I1: ${first?.sentence}` } });
  expect(new Set(violations.map(({ invariant }) => invariant))).toEqual(new Set(['I1', 'I2', 'I3', 'I5']));
});

test('a crash after the last command: nobody was told, and that breaks nothing', async () => {
  await using scenario = await open({ flow: 'reference-bare', callers: 1 });
  const { verdict, outcomes } = await scenario.session.run('v1:AAAAAAAAA*AAAA');
  expect(verdict).toEqual({ kind: 'valid' });
  expect(outcomes).toEqual([{ kind: 'returned', value: 'caller 0: k1 already-rotated b1' }]);
});

test('a call counts as begun with its first command: an answer that was out of date then has no place in the order', async () => {
  const stale: RotationFlow = {
    ...referenceBare,
    name: 'stale',
    open: (db, pool, ...rest) => ({
      call: async (caller, call) => {
        if (caller === 0) return referenceBare.open(db, pool, ...rest).call(caller, call);
        await db.collection(pool.collections.keys).findOne({});
        return { kind: 'not-found' };
      },
    }),
  };
  const replacementAskedFor: Scenario<RotationTypes> = {
    name: 'replacement-asked-for',
    about: 'one caller rotates k1 and gets b1, the other asks for b1',
    gated: () => ({
      start: { keys: ['k1'], backups: ['b1'], bindings: bindThrice('k1') },
      clients: ['k1', 'b1'].map((keyId, caller) => ({ calls: [{ caller, call: { op: 'rotate', keyId } }] })),
    }),
  };
  const system = { ...rotationSystem, flows: [stale], scenarios: [replacementAskedFor] } as const;
  const trial = { flow: 'stale', deployment: 'keypool', scenario: 'replacement-asked-for', callers: 2 };
  await using scenario = await openGatedScenario(system, set.uri, trial);
  expect((await scenario.session.run('v1:BAAAAAAAAA')).verdict).toEqual({ kind: 'valid' });
  expect((await scenario.session.run('v1:AAAAAAAAAB')).verdict).toMatchObject({
    kind: 'violated',
    error: {
      message:
        'I7: no order explains the rotation of k1 (answered at step 9.0): caller 1 asked for b1 at step 9.5 and was told not-found',
    },
  });
});

test('an old flow that crashes between its claim and its insert is caught', async () => {
  const { verdict, violations } = await explored({ flow: 'checked-claim', callers: 1, faults: ['crash-after'] });
  expect(verdict).toBe('violated');
  expect(violations.map(({ invariant }) => invariant)).toContain('I2');
});

test('a signal ends it in the middle, and what was found so far is told', async () => {
  const ended = new AbortController();
  const trial = planOne({ flow: 'reference-bare', callers: 3 });
  const result = await exploreTrial({ ...context, signal: ended.signal }, set.uri, trial, {
    maxViolations: Infinity,
    onProgress: ({ runs }) => {
      if (runs === 5) ended.abort(new Error('enough'));
    },
  });
  expect(result).toMatchObject({ verdict: 'unknown', reason: 'interrupted', exploration: { complete: false } });
  expect(result.exploration?.runs).toBeGreaterThanOrEqual(5);
});

test('no database is left', async () => {
  const name = await (async () => {
    await using scenario = await open({ flow: 'naive' });
    await scenario.session.run('v1:AAAAAAABBBB').catch(() => undefined);
    return scenario.database;
  })();
  const { databases } = await control.db('admin').admin().listDatabases({ nameOnly: true });
  expect(databases.map((one) => one.name)).not.toContain(name);
});
