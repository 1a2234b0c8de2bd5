import { expect, test } from 'vitest';
import { judgeRow, latencyByAnswer } from '../../src/report/row.ts';
import { operation } from '../support/operations.ts';

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
  expect(judgeRow({ trial: { expected }, verdict })).toBe(judgement);
});

test('latencies by answer, percentiles by nearest rank, whatever the order', () => {
  const lasting = Array.from({ length: 200 }, (_, index) => 200 - index);
  const operations = [
    operation(0, 1_000, 1_007),
    ...lasting.map((ms, index) => operation(index + 1, 50, 50 + ms, 'already-reserved')),
  ];
  expect(latencyByAnswer(operations)).toEqual({
    reserved: { count: 1, p50Ms: 7, p99Ms: 7 },
    'already-reserved': { count: 200, p50Ms: 100, p99Ms: 198 },
  });
});

test('two calls: the median is the smaller one, p99 the larger one', () => {
  const operations = [3, 9].map((ms) => operation(0, 0, ms));
  expect(latencyByAnswer(operations)).toEqual({ reserved: { count: 2, p50Ms: 3, p99Ms: 9 } });
});

test('no calls, no latencies', () => {
  expect(latencyByAnswer([])).toEqual({});
});

test('a call without an answer is counted, and has no latency', () => {
  const { completedAtMs: _, ...unanswered } = operation(0, 5, 10);
  expect(latencyByAnswer([{ ...unanswered, answer: { kind: 'crashed' } }])).toEqual({ crashed: { count: 1 } });
});
