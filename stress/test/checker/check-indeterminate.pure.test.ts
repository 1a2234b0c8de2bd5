import { expect, test } from 'vitest';
import { checkRun } from '../../src/checker/check-run.ts';
import { sentencesOf } from '../support/check.ts';
import { busy, crashed, history, indeterminate, rotated } from '../support/histories.ts';
import { pool } from '../support/pool-states.ts';

const start = pool({ keys: ['k1'], free: ['b1'], bindings: { p1: 'k1' } });
const once = pool({ keys: ['b1'], used: { b1: 'k1' }, bindings: { p1: 'b1' } });
const nameless = { kind: 'indeterminate', rotationId: '' } as const;
const SENTENCE = 'caller 3 was told indeterminate for k1 without a rotationId to ask about';

test('a caller that can not know is told the rotationId', () => {
  expect(sentencesOf.indeterminate({ start, final: start, calls: [[3, 'k1', indeterminate]] })).toEqual([]);
  expect(sentencesOf.indeterminate({ start, final: start, calls: [[3, 'k1', nameless]] })).toEqual([SENTENCE]);
});

test('whether its rotation came to pass or not', () => {
  for (const final of [start, once])
    for (const [answer, violations] of [
      [indeterminate, []],
      [nameless, [{ invariant: 'I6', sentence: SENTENCE }]],
    ] as const) {
      const told = history([[3, 'k1', answer]]);
      expect(checkRun({ start, between: [], final, history: told, expectedErrors: [] })).toEqual(violations);
    }
});

test('each such caller is named, and nobody else', () => {
  const calls = [
    [1, 'k1', rotated('b1')],
    [2, 'k1', busy],
    [3, 'k1', nameless],
    [4, 'k1', crashed],
    [5, 'k1', nameless],
  ] as const;
  expect(sentencesOf.indeterminate({ start, final: once, calls })).toEqual([SENTENCE, SENTENCE.replace('3', '5')]);
});
