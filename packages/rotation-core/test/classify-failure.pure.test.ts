import { describe, expect, test } from 'vitest';
import { classifyFailure, COMMON_FAILURES, definePool } from '../src/index.ts';
import { deletingPool as pool } from './support/pools.ts';

const NOW = new Date('2026-03-04T05:06:07.000Z');

describe('rotate', () => {
  test.each([
    [401, undefined, 'auth-error'],
    [402, undefined, 'exhausted'],
    [403, undefined, 'auth-error'],
    [403, 'Billing hard limit reached', 'exhausted'],
    [403, '{"error":"subscription ended"}', 'exhausted'],
    [400, '{"code":"INVALID_API_KEY"}', 'auth-error'],
    [400, 'Invalid API key provided', 'auth-error'],
    [500, 'your key has been revoked', 'auth-error'],
    [404, 'Subscription expired', 'exhausted'],
  ] as const)('%i %s: %s', (status, body, reason) => {
    const failure = body === undefined ? { status } : { status, body };
    expect(classifyFailure(pool, failure)).toEqual({ action: 'rotate', reason });
  });

  test('the first rule that fits decides, so that a pool can put its own before the common ones', () => {
    const rotate = [{ statuses: [401], markers: ['quota'], reason: 'exhausted' } as const, ...COMMON_FAILURES];
    const own = definePool({ ...pool, failures: { ...pool.failures, rotate } });
    expect(classifyFailure(own, { status: 401, body: 'Quota!' })).toEqual({ action: 'rotate', reason: 'exhausted' });
    expect(classifyFailure(own, { status: 401, body: 'no' })).toEqual({ action: 'rotate', reason: 'auth-error' });
  });
});

describe('nothing', () => {
  test.each([
    [200, 'see the billing page'],
    [302, 'invalid api key'],
    [400, 'malformed request'],
    [400, 'budget_exceeded'],
    [404, undefined],
    [408, undefined],
    [500, 'internal error'],
    [503, ''],
  ])('%i %s', (status, body) => {
    expect(classifyFailure(pool, body === undefined ? { status } : { status, body })).toEqual({ action: 'none' });
  });
});

describe('429 is a cool-down and never a rotation', () => {
  test.each([
    ['without a header', undefined, 60_000],
    ['seconds', '120', 120_000],
    ['seconds with spaces around', ' 7 ', 7_000],
    ['zero seconds', '0', 0],
    ['an HTTP date', 'Wed, 04 Mar 2026 05:06:37 GMT', 30_000],
    ['an HTTP date of the old forms', 'Wednesday, 04-Mar-26 05:06:37 GMT', 30_000],
    ['a date that has passed', 'Wed, 04 Mar 2026 05:00:00 GMT', 0],
    ['words', 'soon', 60_000],
    ['nothing', '', 60_000],
    // Date.parse takes these for dates long ago: no cool-down at all.
    ['a negative number', '-5', 60_000],
    ['a fraction', '1.5', 60_000],
    ['a number with a unit', '30 s', 60_000],
    ['more digits than a number holds', '9'.repeat(400), 60_000],
  ])('%s', (_title, retryAfter, coolDownMs) => {
    const failure = retryAfter === undefined ? { status: 429 } : { status: 429, retryAfter };
    expect(classifyFailure(pool, failure, NOW)).toEqual({ action: 'cool-down', coolDownMs });
  });

  test('also where the body has a marker of a rotation', () => {
    expect(classifyFailure(pool, { status: 429, body: 'billing: invalid api key' })).toEqual({
      action: 'cool-down',
      coolDownMs: 60_000,
    });
  });

  test("the pool's own default counts", () => {
    const own = definePool({ ...pool, failures: { ...pool.failures, coolDownMs: 5 } });
    expect(classifyFailure(own, { status: 429 })).toEqual({ action: 'cool-down', coolDownMs: 5 });
  });
});
