import { expect, test } from 'vitest';
import { judge, latencyByOutcome } from '../../src/report/run-result.ts';
import { alreadyRotated, operation, rotated } from '../support/histories.ts';

test.each([
  ['valid', 'valid', 'passed'],
  ['valid', 'violated', 'failed'],
  ['violated', 'violated', 'passed'],
  ['violated', 'valid', 'failed'],
  [undefined, 'valid', 'passed'],
  [undefined, 'violated', 'passed'],
  ['valid', 'unknown', 'unknown'],
  ['violated', 'unknown', 'unknown'],
  [undefined, 'unknown', 'unknown'],
] as const)('expected %s, came out %s: %s', (expected, verdict, judgement) => {
  expect(judge({ expected, verdict })).toBe(judgement);
});

test('latencies by outcome, percentiles by nearest rank, whatever the order', () => {
  const lasting = Array.from({ length: 200 }, (_, index) => 200 - index);
  const operations = [
    operation([0, 'k1', rotated('b1'), 1_000, 1_007]),
    ...lasting.map((ms, index) => operation([index + 1, 'k1', alreadyRotated('b1'), 50, 50 + ms])),
  ];
  expect(latencyByOutcome(operations)).toEqual({
    rotated: { count: 1, p50Ms: 7, p99Ms: 7 },
    'already-rotated': { count: 200, p50Ms: 100, p99Ms: 198 },
  });
});

test('two calls: the median is the smaller one, p99 the larger one', () => {
  const operations = [3, 9].map((ms) => operation([0, 'k1', rotated('b1'), 0, ms]));
  expect(latencyByOutcome(operations)).toEqual({ rotated: { count: 2, p50Ms: 3, p99Ms: 9 } });
});

test('no calls, no latencies', () => {
  expect(latencyByOutcome([])).toEqual({});
});
