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
      trial: { scenario: 'seats-of-a-whole-row', flow: 'read-then-sell', expected: 'violated' },
      processes: 4,
      callers: 60,
      verdict: 'violated',
      storm: {
        answers: {
          reserved: { count: 3, p50Ms: 1, p99Ms: 9 },
          'already-reserved': { count: 57, p50Ms: 10.5, p99Ms: 20.4 },
        },
        contention: { overlap: 60, contested: 59, conflicts: 3, lostRaces: 0 },
        columns: { sold: 1_234, wasted: 17 },
        statesBetween: 2,
        durationMs: 40,
      },
    }),
  );
  expect(lines).toEqual([
    'scenario              flow            deployment  procs  callers  answers (p50/p99 ms)                       sold  wasted  conflicts  verdict',
    'one-seat              atomic          hall            1      500  1 reserved 12/13                              1       0          3  valid',
    'seats-of-a-whole-row  read-then-sell  hall            4       60  57 already-reserved 11/20, 3 reserved 1/9  1234      17          3  violated, as it must be',
  ]);
});

test.each([
  [row({ verdict: 'violated' }), 'violated - must be valid'],
  [row({ trial: { expected: 'violated' } }), 'valid - must be violated'],
  [row({ verdict: 'unknown', reason: 'nothing raced' }), 'unknown (nothing raced)'],
  [row({ trial: { expected: undefined }, verdict: 'violated' }), 'violated'],
])('a line ends with what must be said of it: $trial.expected $verdict', (result, end) => {
  expect(linesOf(result)[1]?.split('  ').at(-1)).toBe(end);
});

test('without rows there is the head alone', () => {
  expect(linesOf()).toHaveLength(1);
});
