import { expect, test } from 'vitest';
import type { Violation } from '../../src/checker/violation.ts';
import { formatFindings } from '../../src/report/violations.ts';
import { row } from '../support/rows.ts';

const wasted = (id: string): Violation => ({ promise: 'I2', sentence: `${id} wasted` });

test('a row that came out right is not spoken of', () => {
  expect(formatFindings([row(), row({ expected: undefined, verdict: 'violated', violations: [wasted('b1')] })])).toBe(
    '',
  );
});

test('a known-bad flow: the first sentence that caught it, with its promise', () => {
  const caught = row({
    subject: 'checked-claim',
    expected: 'violated',
    verdict: 'violated',
    violations: [wasted('b1'), wasted('b2')],
  });
  expect(formatFindings([row(), caught])).toBe(
    'Caught, as they must be:\n  checked-claim: I2 (no backup wasted): b1 wasted',
  );
});

test('a row that failed: each broken promise with up to three sentences, and the command to see it again', () => {
  const violated = row({
    verdict: 'violated',
    violations: [
      ...['b1', 'b2', 'b3', 'b4', 'b5'].map((id) => wasted(id)),
      { promise: 'I5', sentence: 'callers 1 and 2 were all told that they rotated k1' },
    ],
    reproduce: 'pnpm stress --scenario same-key --seed 4',
  });
  expect(formatFindings([violated])).toBe(
    [
      '',
      'reference on keypool, same-key: violated, and must be valid',
      '  I2 no backup wasted: broken',
      '    b1 wasted',
      '    b2 wasted',
      '    b3 wasted',
      '    and 2 more',
      '  I5 one rotation, everybody knows: broken',
      '    callers 1 and 2 were all told that they rotated k1',
      '  again: pnpm stress --scenario same-key --seed 4',
    ].join('\n'),
  );
});

test('a known-bad flow that was not caught, and a row that proves nothing', () => {
  const passed = row({ subject: 'naive', scenario: 'many-keys', expected: 'violated' });
  const nothing = row({ verdict: 'unknown', reason: 'nothing raced' });
  expect(formatFindings([passed, nothing]).split('\n')).toEqual([
    '',
    'naive on keypool, many-keys: valid, and must be violated',
    '  again: pnpm stress --seed 1',
    '',
    'reference on keypool, same-key: unknown, and must be valid',
    '  nothing raced',
    '  again: pnpm stress --seed 1',
  ]);
});
