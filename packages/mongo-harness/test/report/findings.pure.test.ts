import { expect, test } from 'vitest';
import type { Violation } from '../../src/index.ts';
import { formatFindings } from '../../src/report/findings.ts';
import { row } from '../support/rows.ts';

const invariants = { S1: 'a seat is sold once', S2: 'no seat is lost' };
const sold = (id: string): Violation => ({ invariant: 'S1', sentence: `${id} was sold twice` });
const format = (...rows: Parameters<typeof formatFindings>[0]): string =>
  formatFindings(rows, { invariants, command: 'pnpm seats', folder: 'store/then' });

test('a row that came out right is not spoken of', () => {
  const unexpected = row({ trial: { expected: undefined } });
  expect(format(row(), unexpected)).toBe('');
});

test('a row of which nothing was expected: what it broke', () => {
  const unexpected = row({ trial: { expected: undefined }, verdict: 'violated', violations: [sold('s1')] });
  expect(format(unexpected).split('\n')).toEqual([
    '',
    'atomic on hall, one-seat: violated',
    '  S1 a seat is sold once: broken',
    '    s1 was sold twice',
    '  again: pnpm seats --seed 1',
  ]);
});

test('a mutant: the first sentence that caught it, with its invariant', () => {
  const caught = row({
    trial: { flow: 'read-then-sell', expected: 'violated' },
    verdict: 'violated',
    violations: [sold('s1'), sold('s2')],
  });
  expect(format(row(), caught)).toBe(
    'Mutants, caught as they must be:\n  read-then-sell: S1 (a seat is sold once): s1 was sold twice',
  );
});

test('a row that failed: each broken invariant with up to three sentences, and the command to see it again', () => {
  const violated = row({
    verdict: 'violated',
    violations: [...['s1', 's2', 's3', 's4', 's5'].map((id) => sold(id)), { invariant: 'S2', sentence: 's6 is gone' }],
    reproduce: 'pnpm seats --scenario one-seat --seed 4',
  });
  expect(format(violated)).toBe(
    [
      '',
      'atomic on hall, one-seat: violated, and must be valid',
      '  S1 a seat is sold once: broken',
      '    s1 was sold twice',
      '    s2 was sold twice',
      '    s3 was sold twice',
      '    and 2 more',
      '  S2 no seat is lost: broken',
      '    s6 is gone',
      '  again: pnpm seats --scenario one-seat --seed 4',
    ].join('\n'),
  );
});

test('a mutant that was not caught, and a row that proves nothing', () => {
  const passed = row({ trial: { flow: 'read-then-sell', scenario: 'two-seats', expected: 'violated' } });
  const nothing = row({ verdict: 'unknown', reason: 'nothing raced' });
  expect(format(passed, nothing).split('\n')).toEqual([
    '',
    'read-then-sell on hall, two-seats: valid, and must be violated',
    '  again: pnpm seats --seed 1',
    '',
    'atomic on hall, one-seat: unknown, and must be valid',
    '  nothing raced',
    '  again: pnpm seats --seed 1',
  ]);
});

test('a row whose history was kept says how to judge it again', () => {
  const violated = row({
    verdict: 'violated',
    violations: [sold('s1')],
    history: '1-one-seat-atomic-hall/history.json',
  });
  expect(format(violated).split('\n').at(-1)).toBe(
    '  judge the same history again: pnpm seats check store/then/1-one-seat-atomic-hall/history.json',
  );
});
