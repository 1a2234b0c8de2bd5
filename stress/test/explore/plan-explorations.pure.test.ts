import {
  callersIn,
  exploreTrial,
  expectToFit,
  parseCommandLine,
  planExploration,
  planExplorations,
  resolveTrial,
  type ExplorationSelection,
  type ExplorationTrial,
} from 'mongo-harness/testing';
import { describe, expect, test } from 'vitest';
import { mutants } from '../../src/flows/index.ts';
import rotationSystem from '../../src/rotation-system.ts';
import { createTestContext } from '../support/test-context.ts';

/** No row runs, so nobody is asked. */
const NO_URI = 'mongodb://127.0.0.1:1/?replicaSet=none';
const context = { ...createTestContext(), signal: AbortSignal.abort() };
const planAll = (selection: ExplorationSelection = {}): ExplorationTrial[] =>
  planExplorations(rotationSystem, selection);
const planOne = (selection: ExplorationSelection): ExplorationTrial => planExploration(rotationSystem, selection);

const judgedAtTheEnd = planOne({ flow: 'no-transaction', judged: 'end' });

test('the line of each row, given as a command, plans that row again', async () => {
  const trials = [...planAll(), planOne({ flow: 'naive', faults: ['crash', 'lost-reply'] }), judgedAtTheEnd];
  expect(trials.length).toBeGreaterThan(mutants.length);
  for (const trial of trials) {
    const { reproduce, reason } = await exploreTrial(context, NO_URI, trial, { maxViolations: 1 });
    expect(reason).toBe('not run');
    const again = parseCommandLine(rotationSystem, 'pnpm stress', reproduce.split(' ').slice(2));
    if (again.kind !== 'explore') throw new Error(`expected explore, not ${again.kind}`);
    expect(planAll(again.options)).toContainEqual(trial);
  }
});

test('each mutant must be caught', () => {
  const trials = planAll();
  for (const { name, explorations } of mutants)
    expect(trials.filter(({ flow }) => flow === name)).toMatchObject(
      explorations.map(() => ({ expected: 'violated' })),
    );
});

test('elsewhere nothing is promised of it, and the reference must be valid everywhere', () => {
  expect(planOne({ flow: 'kept-key', deployment: 'keypool' }).expected).toBeUndefined();
  expect(planOne({ flow: 'naive', faults: ['reset'] }).expected).toBeUndefined();
  expect(planOne({ flow: 'naive', callers: 3 }).expected).toBe('violated');
  expect(planOne({ flow: 'reference', faults: ['reset'] }).expected).toBe('valid');
});

// Red where every flow is explored: each such mutant is a row that came out valid, and must not have.
test('a mutant that only faults show is explored where it is named, and nothing is promised of it there', () => {
  expect(planAll().filter(({ flow }) => flow === 'w1')).toEqual([]);
  expect(planAll({ flow: 'w1' })).toMatchObject([{ flow: 'w1', expected: undefined }]);
  expect(planOne({ flow: 'w1' }).expected).toBeUndefined();
});

test('a mutant of which fewer states are judged than its author says need not be caught', () => {
  expect(judgedAtTheEnd.expected).toBeUndefined();
  expect(planAll({ flow: 'no-transaction', judged: 'end' })).toEqual([judgedAtTheEnd]);
  expect(planOne({ flow: 'no-transaction', judged: 'every-commit' }).expected).toBe('violated');
  expect(planOne({ flow: 'naive', judged: 'every-commit' }).expected).toBe('violated');
  expect(planOne({ flow: 'naive', judged: 'end' }).expected).toBe('violated');
});

test('each of the default rows fits; an old flow has no operator', () => {
  const fit = (trial: ExplorationTrial): unknown => expectToFit(resolveTrial(rotationSystem, trial));
  for (const trial of planAll()) expect(() => fit(trial)).not.toThrow();
  expect(() => fit(planOne({ flow: 'naive', scenario: 'restore' }))).toThrow(
    'The flow naive has no calls for the operator of the scenario restore.',
  );
});

describe('callers that a token names', () => {
  test.each([
    ['v1:AAA', undefined, 1],
    ['v1:ABCA!', 'same-key', 3],
    ['v1:ABCA!', 'restore', 2],
    ['v1:', undefined, 1],
  ])('%s in %s: %i', (token, scenario, callers) => {
    expect(callersIn(rotationSystem, token, scenario)).toBe(callers);
  });
});
