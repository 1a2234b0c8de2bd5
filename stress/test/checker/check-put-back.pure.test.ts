import { expect, test } from 'vitest';
import { checkPutBack } from '../../src/checker/check-put-back.ts';
import { history, type Call } from '../support/histories.ts';
import { pool } from '../support/pool-states.ts';

const start = pool({ keys: ['b4'], free: ['b1', 'b2'], used: { b3: 'k1', b4: 'b3' } });
const final = pool({ keys: ['b1', 'b4'], free: ['b2', 'b3'], used: { b1: 'k1', b4: 'b3' } });
const putBack = (calls: readonly Call[]): string[] =>
  checkPutBack({ start, between: [], final, history: history(calls, []), operated: [], expectedErrors: [] }, 'k1').map(
    ({ sentence }) => sentence,
  );

test('before, in between and after: all that callers may be told', () => {
  expect(
    putBack([
      [0, 'k1', { kind: 'already-rotated', replacement: 'b4' }],
      [1, 'k1', { kind: 'not-found' }],
      [2, 'k1', { kind: 'rotated', replacement: 'b1' }],
      [3, 'k1', { kind: 'already-rotated', replacement: 'b1' }],
    ]),
  ).toEqual([]);
});

test('an error', () => {
  expect(putBack([[2, 'k1', { kind: 'error', code: 'inconsistent', message: 'Duplicate key' }]])).toEqual([
    'caller 2 was told nothing of k1, which was put back, but an error: Duplicate key',
  ]);
});

test('a replacement that is not live, and two who rotated', () => {
  expect(
    putBack([
      [0, 'k1', { kind: 'rotated', replacement: 'b2' }],
      [1, 'k1', { kind: 'rotated', replacement: 'b1' }],
    ]),
  ).toEqual([
    'caller 0 was told rotated for k1 with replacement b2, which is not live',
    'callers 0 and 1 were all told that they rotated k1',
  ]);
});
