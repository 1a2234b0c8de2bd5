import { expect, test } from 'vitest';
import { checkRun } from '../../src/checker/check-run.ts';
import { sentencesOf } from '../support/check.ts';
import { history, rotated } from '../support/histories.ts';
import { pool } from '../support/pool-states.ts';
import { validRuns } from '../support/valid-runs.ts';

test.each(Object.entries(validRuns))('a valid run passes, as a whole and each check alone: %s', (_, run) => {
  for (const check of Object.values(sentencesOf)) expect(check(run)).toEqual([]);
  const { start, final, calls = [], claims = [] } = run;
  expect(
    checkRun({
      start,
      between: [start, final],
      final,
      history: history(calls, claims),
      expectedErrors: [],
    }),
  ).toEqual([]);
});

const start = pool({ keys: ['k1'], free: ['b1'], bindings: { p1: 'k1' } });
const final = pool({ keys: ['b1'], used: { b1: 'k1' }, bindings: { p1: 'b1' } });
const claimedOnly = pool({ keys: ['k1'], used: { b1: 'k1' }, bindings: { p1: 'k1' } });
const told = history([[3, 'k1', rotated('b1')]], [{ keyId: 'k1', backupId: 'b1', caller: 3 }]);
const expectedErrors: readonly string[] = [];

test('an invariant that was broken only meanwhile is found, and said so', () => {
  expect(checkRun({ start, between: [claimedOnly], final, history: told, expectedErrors })).toEqual([
    {
      invariant: 'I2',
      sentence:
        'in a state that was committed meanwhile: b1 wasted: caller 3 claimed it for k1 and did not make it a live key',
    },
  ]);
});

test('of an invariant that is broken at the end, the states in between are not told as well', () => {
  const violations = checkRun({
    start,
    between: [claimedOnly],
    final: claimedOnly,
    history: history([], [{ keyId: 'k1', backupId: 'b1', caller: 3 }]),
    expectedErrors,
  });
  expect(violations).toEqual([
    { invariant: 'I2', sentence: 'b1 wasted: caller 3 claimed it for k1 and did not make it a live key' },
  ]);
});

test('the order is judged only where the other invariants hold', () => {
  const late = history([[0, 'k1', rotated('b1'), 10, 5]]);
  expect(
    checkRun({ start, between: [], final, history: late, expectedErrors }).map(({ invariant }) => invariant),
  ).toEqual(['I7']);
  expect(
    checkRun({ start, between: [], final: claimedOnly, history: late, expectedErrors }).map(
      ({ invariant }) => invariant,
    ),
  ).not.toContain('I7');
});
