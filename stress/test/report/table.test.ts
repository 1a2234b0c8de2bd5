import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { formatTable } from '../../src/report/table.ts';
import { row } from '../support/rows.ts';

const linesOf = (...rows: Parameters<typeof formatTable>[0]): string[] =>
  stripVTControlCharacters(formatTable(rows)).split('\n');

test('columns are as wide as their widest cell, numbers stand at the right', () => {
  const lines = linesOf(
    row(),
    row({
      scenario: 'poisoned-backup',
      subject: 'swallowed-duplicate',
      processes: 4,
      callers: 60,
      backupsUsed: 1_234,
      backupsWasted: 17,
      expected: 'violated',
      verdict: 'violated',
      outcomes: { rotated: { count: 3, p50Ms: 1, p99Ms: 9 }, 'no-backup': { count: 57, p50Ms: 10.5, p99Ms: 20.4 } },
    }),
  );
  expect(lines).toEqual([
    'scenario         subject              adapter  procs  callers  outcomes (p50/p99 ms)              used  wasted  conflicts  verdict',
    'same-key         reference            keypool      1      500  1 rotated 12/13                       1       0          3  valid',
    'poisoned-backup  swallowed-duplicate  keypool      4       60  57 no-backup 11/20, 3 rotated 1/9  1234      17          3  violated, as it must be',
  ]);
});

test.each([
  [row({ verdict: 'violated' }), 'violated - must be valid'],
  [row({ expected: 'violated' }), 'valid - must be violated'],
  [row({ verdict: 'unknown', reason: 'nothing raced' }), 'unknown (nothing raced)'],
  [row({ expected: undefined, verdict: 'violated' }), 'violated'],
])('a line ends with what must be said of it: $expected $verdict', (result, end) => {
  expect(linesOf(result)[1]?.split('  ').at(-1)).toBe(end);
});

test('without rows there is the head alone', () => {
  expect(linesOf()).toHaveLength(1);
});
