import { stripVTControlCharacters } from 'node:util';
import { describe, expect, test } from 'vitest';
import { medianDetection, type DetectionRow } from '../../src/detect/detection.ts';
import { detectionTable } from '../../src/detect/report.ts';
import { survivorsOf } from '../../src/detect/survivors.ts';

const seen = (runs: number) => ({ runs, seconds: runs / 10 });
const row = (flow: string, by: DetectionRow['by'], depth = 2): DetectionRow => ({
  flow,
  breaks: ['S1'],
  depth,
  place: { scenario: 'one-seat', deployment: 'hall', callers: 2 },
  by,
});

describe('the median of several tries', () => {
  test.each([
    [[seen(9), seen(1), seen(5)], seen(5)],
    [[seen(1), null, seen(7)], seen(7)],
    [[null, seen(1), null], null],
    [[seen(2), seen(1)], seen(2)],
    [[], null],
  ])('%j: %j', (tries, median) => {
    expect(medianDetection(tries)).toEqual(median);
  });
});

describe('who survived', () => {
  test('neither every interleaving nor a fault at every command has caught it; luck does not count', () => {
    const rows = [
      row('by order', { exhaustive: seen(1), crash: null }),
      row('by crash', { exhaustive: null, crash: seen(1) }),
      row('by order, and no time for a crash', { exhaustive: seen(1) }),
      row('by luck', { storm: seen(1), exhaustive: null, crash: null }),
      row('no time for a crash', { exhaustive: null }),
      row('no time at all', {}),
    ];
    expect(survivorsOf(rows)).toEqual({ survived: ['by luck'], untried: ['no time for a crash', 'no time at all'] });
  });
});

test('a line says how long each way of looking took, that it saw nothing, or that nobody looked', () => {
  const { heading, line } = detectionTable(['read-then-sell', 'unpaid']);
  const text = [
    heading,
    line(row('unpaid', { storm: seen(1), exhaustive: seen(123), crash: null })),
    line(row('read-then-sell', {}, 1)),
  ].join('\n');
  expect(`\n${stripVTControlCharacters(text)}\n`).toBe(`
flow            breaks  depth          storm         random            PCT     exhaustive     crash grid
unpaid          S1          2        1 0.1 s                                   123 12.3 s              -
read-then-sell  S1          1
`);
});
