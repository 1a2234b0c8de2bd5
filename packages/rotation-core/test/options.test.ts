import { expect, test } from 'vitest';
import type { RotatorOptions } from '../src/index.ts';
import { resolveOptions } from '../src/options.ts';
import { RotationError } from '../src/rotation-error.ts';

test('the defaults are those of the doc comments', () => {
  expect(resolveOptions({})).toEqual({
    deadlineMs: 10_000,
    maxAttempts: 200,
    batchSize: 64,
    maxTransactions: 4,
    coalesce: true,
    lowStockThreshold: 10,
    endAbandonedAfterMs: 2_000,
    random: Math.random,
  });
});

test('given ones are kept', () => {
  const options: Required<RotatorOptions> = {
    deadlineMs: 1,
    maxAttempts: 2,
    batchSize: 3,
    maxTransactions: 4,
    coalesce: false,
    lowStockThreshold: 0,
    endAbandonedAfterMs: false,
    random: () => 0,
    onEvent: () => {},
  };
  expect(resolveOptions(options)).toEqual(options);
});

test.each<[keyof RotatorOptions, unknown]>([
  ['deadlineMs', 0],
  ['deadlineMs', -1],
  ['deadlineMs', 1.5],
  ['deadlineMs', Number.NaN],
  ['deadlineMs', Number.POSITIVE_INFINITY],
  ['deadlineMs', '10'],
  // Node's timers hold 31 bits: a longer one fires at once, and the call would be answered `busy`.
  ['deadlineMs', 2 ** 31],
  ['maxAttempts', 0],
  ['batchSize', 0],
  ['batchSize', 1_001],
  ['maxTransactions', 0],
  ['lowStockThreshold', -1],
  ['lowStockThreshold', 201],
  ['endAbandonedAfterMs', 999],
  ['endAbandonedAfterMs', true],
])('%s %s is refused by name', (name, value) => {
  const resolve = () => resolveOptions({ [name]: value });
  expect(resolve).toThrow(RotationError);
  expect(resolve).toThrow(`Expected ${name} to be a whole number`);
});
