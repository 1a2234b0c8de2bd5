import { expect, test } from 'vitest';
import {
  resolveOptions,
  resolveTestingOptions,
  type RotateOptions,
  type RotatorOptions,
  type TestingOptions,
} from '../src/options.ts';
import { RotationError } from '../src/errors.ts';
import { untyped } from './support/untyped.ts';

test('the defaults are those of the doc comments', () => {
  expect(resolveTestingOptions({})).toEqual({
    deadlineMs: 10_000,
    maxAttempts: 200,
    maxBatchSize: 64,
    maxTransactions: 4,
    coalesce: true,
    lowStockThreshold: 10,
    endAbandonedAfterMs: 2_000,
    maxVerifyMs: 3_000,
    maxVerifiedAgeMs: 60_000,
    random: Math.random,
    concerns: { readConcern: 'majority', writeConcern: 'majority' },
  });
});

// Red where an option takes no `undefined`: a service with exactOptionalPropertyTypes could not hand on what it was not given.
test('undefined is as good as left out', () => {
  const signal: AbortSignal | undefined = undefined;
  const call: RotateOptions = { signal, deadlineMs: undefined, incarnation: undefined, reason: undefined };
  const rotator: { [Name in keyof TestingOptions]-?: undefined } = {
    deadlineMs: undefined,
    maxAttempts: undefined,
    maxBatchSize: undefined,
    maxTransactions: undefined,
    coalesce: undefined,
    lowStockThreshold: undefined,
    endAbandonedAfterMs: undefined,
    verify: undefined,
    maxVerifyMs: undefined,
    maxVerifiedAgeMs: undefined,
    random: undefined,
    concerns: undefined,
    onEvent: undefined,
  };
  expect(resolveTestingOptions(rotator)).toEqual(resolveTestingOptions({}));
  expect(call.signal).toBeUndefined();
});

test('given ones are kept', () => {
  const options: Required<TestingOptions> = {
    deadlineMs: 1,
    maxAttempts: 2,
    maxBatchSize: 3,
    maxTransactions: 4,
    coalesce: false,
    lowStockThreshold: 0,
    endAbandonedAfterMs: false,
    verify: () => ({ kind: 'usable' }),
    maxVerifyMs: 5,
    maxVerifiedAgeMs: 6_000,
    random: () => 0,
    concerns: { readConcern: 'local', writeConcern: 1 },
    onEvent: () => {},
  };
  expect(resolveTestingOptions(options)).toEqual(options);
});

// Red where resolveOptions hands on what it does not know: a caller without types could then switch coalescing off.
test('what only a harness may set is dropped from the options of a service', () => {
  const options = untyped({ coalesce: false, random: () => 0, concerns: { readConcern: 'local', writeConcern: 1 } });
  expect(Object.keys(resolveOptions(options))).toEqual(Object.keys(resolveOptions({})));
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
  ['maxBatchSize', 0],
  ['maxBatchSize', 1_001],
  ['maxTransactions', 0],
  ['lowStockThreshold', -1],
  ['lowStockThreshold', 201],
  ['endAbandonedAfterMs', 999],
  ['endAbandonedAfterMs', true],
  ['maxVerifyMs', 0],
  ['maxVerifiedAgeMs', 999],
])('%s %s is refused by name', (name, value) => {
  const resolve = () => resolveOptions({ [name]: value });
  expect(resolve).toThrow(RotationError);
  expect(resolve).toThrow(`Expected ${name} to be a whole number`);
});

test('a verify that is no function is refused', () => {
  expect(() => resolveOptions({ verify: untyped(true) })).toThrow('Expected verify to be a function, got boolean');
});
