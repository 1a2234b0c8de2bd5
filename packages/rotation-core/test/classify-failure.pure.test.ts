import { describe, expect, test } from 'vitest';
import { classifyFailure, definePool, type FailureRule, type Pool, type UpstreamFailure } from '../src/index.ts';
import { deletingPool as pool } from './support/pools.ts';

const NOW = new Date('2026-03-04T05:06:07.000Z');
const DAY = 86_400_000;

const poolWith = (...rules: readonly FailureRule[]): Pool =>
  definePool({ ...pool, failures: { rules, coolDownMs: 60_000 } });
const rotated = { action: 'rotate', reason: 'exhausted' } as const;

/** What a pool makes of a body with status 400, if it rotates on the code `quota_gone` and on the words `Quota is gone`. */
const quotaPool = poolWith({ statuses: [400], codes: ['QUOTA_gone'], markers: ['Quota is GONE'], ...rotated });
const isRotated = (body: unknown): boolean => classifyFailure(quotaPool, { status: 400, body }).action === 'rotate';

describe('the first rule that matches decides', () => {
  test.each([
    [429, 'insufficient_quota', 'rotate'],
    [429, 'rate_limit_exceeded', 'cool-down'],
    [529, 'insufficient_quota', 'cool-down'],
    [404, 'insufficient_quota', 'none'],
  ])('also for %i with %s', (status, code, action) => {
    const own = poolWith(
      { statuses: [429], codes: ['insufficient_quota'], ...rotated },
      { statuses: [429, 529], action: 'cool-down' },
    );
    expect(classifyFailure(own, { status, body: { error: { code } } }).action).toBe(action);
  });

  test('a rule that means nothing keeps an answer from the rules behind it', () => {
    const own = poolWith(
      { statuses: [403], markers: ['region'], action: 'none' },
      { statuses: [403], action: 'rotate', reason: 'auth-error' },
    );
    expect(classifyFailure(own, { status: 403, body: 'This region!' })).toEqual({ action: 'none' });
    expect(classifyFailure(own, { status: 403, body: 'no' })).toEqual({ action: 'rotate', reason: 'auth-error' });
  });

  test('each status can have a cool-down of its own', () => {
    const own = poolWith(
      { statuses: [408], action: 'cool-down', coolDownMs: 5_000 },
      { statuses: [429], action: 'cool-down' },
    );
    expect(classifyFailure(own, { status: 408 })).toEqual({ action: 'cool-down', coolDownMs: 5_000 });
    expect(classifyFailure(own, { status: 408, retryAfter: '2' })).toEqual({ action: 'cool-down', coolDownMs: 2_000 });
    expect(classifyFailure(own, { status: 429 })).toEqual({ action: 'cool-down', coolDownMs: 60_000 });
  });
});

describe('codes and markers are found, whatever their case,', () => {
  test.each<readonly [string, unknown]>([
    ['in error.code', { error: { code: 'Quota_Gone' } }],
    ['in error.type', { error: { type: 'quota_gone' } }],
    ['in error.status', { error: { status: 'QUOTA_GONE' } }],
    ['in error.message', { error: { message: 'Your quota is gone.' } }],
    ['in error.message, over two lines', { error: { message: 'Your quota\n  is gone.' } }],
    ['without error', { code: 'quota_gone' }],
    ['in message', { message: 'Sorry: quota is gone' }],
    ['in detail', { detail: 'Quota is gone!' }],
    ['in title', { title: 'Quota is gone' }],
    ['in details[].reason', { error: { details: [{ reason: 'other' }, { reason: 'QUOTA_GONE' }] } }],
    ['in error, a code', { error: 'quota_gone' }],
    ['in error, a sentence', { error: 'the quota is gone' }],
    ['in errors', { errors: [{ code: 'quota_gone' }] }],
    ['in a list', [{ error: { code: 'quota_gone' } }]],
    ['in an error inside an error', { error: { error: { code: 'quota_gone' } } }],
    ['in a body inside a message', { error: { message: '{"error":{"code":"quota_gone"}}' } }],
    [
      'in a body behind the name of an exception',
      {
        error: {
          message: 'litellm.BadRequestError: XException - b\'{"error":{"code":"quota_gone"}}\' Received Model Group=m',
        },
      },
    ],
    ['in a text', 'Your quota is gone'],
    ['in a text that is the code', ' QUOTA_GONE '],
    ['in a text in quotation marks', '"quota_gone"'],
    ['beside other quotation marks', { message: 'Quota is gone, see "limits"' }],
    ['beside apostrophes', { message: "Your team's quota is gone, that's it" }],
  ])('%s', (_title, body) => {
    expect(isRotated(body)).toBe(true);
    expect(isRotated(typeof body === 'string' ? body : JSON.stringify(body))).toBe(true);
    expect(isRotated(Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)))).toBe(true);
  });

  test('in scripts without spaces between words', () => {
    const own = poolWith({ statuses: [400], markers: ['余额不足'], ...rotated });
    expect(classifyFailure(own, { status: 400, body: { error: { message: '账户余额不足，请充值' } } })).toEqual(
      rotated,
    );
  });
});

describe('they are not found', () => {
  test.each<readonly [string, unknown]>([
    ['in a longer word', { message: 'The quota is gone-ish, subquota is gones' }],
    ['in a longer code', { error: { code: 'quota_gone_soon' } }],
    ['in the parameter', { error: { message: 'bad', param: 'quota_gone' } }],
    ['in an input', { detail: [{ loc: ['body'], msg: 'bad', input: 'the quota is gone' }] }],
    ['in the request', { request: { message: 'the quota is gone' }, error: { message: 'bad' } }],
    ['in a prompt in quotation marks', { message: 'Invalid value: "the quota is gone"' }],
    ['in a prompt in apostrophes', { message: "Invalid value: 'the quota is gone'." }],
    ['in a prompt in backticks', { message: 'The model `the quota is gone` does not exist' }],
    ['in a prompt with quotation marks of its own', { message: 'The model `x` the quota is gone `y` does not exist' }],
    ['in a prompt that was cut', { message: 'Invalid value: "the quota is gone an' }],
    ['in a prompt that is an error', { message: 'Invalid value: "{"error":{"code":"quota_gone"}}"' }],
    ['as a code in a sentence', { message: 'Unknown tool: quota_gone' }],
    ['in a message that is a list', { message: ['the quota is gone'] }],
    ['in nothing', null],
    ['in a number', 7],
    ['in a longer text than errors have', `${'x'.repeat(100_000)} quota is gone`],
    ['below too many errors', JSON.parse('{"error":'.repeat(20) + '"quota_gone"' + '}'.repeat(20))],
  ])('%s', (_title, body) => {
    expect(isRotated(body)).toBe(false);
    expect(isRotated(typeof body === 'string' ? body : JSON.stringify(body))).toBe(false);
  });

  test('a body made to be slow takes no second', () => {
    const started = performance.now();
    for (const part of ['{"error":', "'a ", '"', '`x', 'quota is ', '[[', 'Exception - ', '{}'])
      isRotated(part.repeat(Math.floor(90_000 / part.length)));
    expect(performance.now() - started).toBeLessThan(1_000);
  });
});

describe('how long a cool-down is', () => {
  test.each<readonly [string, Omit<UpstreamFailure, 'status'>, number]>([
    ['without a header', {}, 60_000],
    ['seconds', { retryAfter: '120' }, 120_000],
    ['a number', { retryAfter: 120 }, 120_000],
    ['seconds with spaces around', { retryAfter: ' 7 ' }, 7_000],
    ['zero seconds', { retryAfter: '0' }, 0],
    ['a fraction', { retryAfter: '1.5' }, 1_500],
    ['an HTTP date', { retryAfter: 'Wed, 04 Mar 2026 05:06:37 GMT' }, 30_000],
    ['an HTTP date of the old forms', { retryAfter: 'Wednesday, 04-Mar-26 05:06:37 GMT' }, 30_000],
    ['a date that has passed', { retryAfter: 'Wed, 04 Mar 2026 05:00:00 GMT' }, 0],
    ['words', { retryAfter: 'soon' }, 60_000],
    ['nothing', { retryAfter: '' }, 60_000],
    ['null', { retryAfter: null, headers: null }, 60_000],
    // Date.parse takes it for a date long ago: no cool-down at all.
    ['a negative number', { retryAfter: '-5' }, 60_000],
    ['a number with a unit', { retryAfter: '30 s' }, 60_000],
    ['a year', { retryAfter: '31536000' }, DAY],
    ['a date in a year', { retryAfter: 'Thu, 04 Mar 2027 05:06:07 GMT' }, DAY],
    ['more digits than a number holds', { retryAfter: '9'.repeat(400) }, DAY],
    ['headers of fetch', { headers: new Headers({ 'Retry-After': '3' }) }, 3_000],
    ['a record of headers', { headers: { 'retry-after': '3' } }, 3_000],
    ['a record in another case', { headers: { 'Retry-After': '3' } }, 3_000],
    ['a record with a list', { headers: { 'retry-after': ['3', '4'] } }, 3_000],
    ['headers without it', { headers: { 'content-type': 'text/html' } }, 60_000],
    ['milliseconds', { headers: { 'retry-after-ms': '250' } }, 250],
    ['milliseconds, in part', { headers: { 'retry-after-ms': '250.2' } }, 251],
    ['milliseconds before seconds', { headers: new Headers({ 'retry-after': '3', 'retry-after-ms': '2500' }) }, 2_500],
    ['seconds where milliseconds are none', { headers: { 'retry-after': '3', 'retry-after-ms': 'soon' } }, 3_000],
    ['milliseconds of a year', { headers: { 'retry-after-ms': '31536000000' } }, DAY],
    ['the value before the headers', { retryAfter: '5', headers: { 'retry-after': '3' } }, 5_000],
  ])('%s', (_title, failure, coolDownMs) => {
    expect(classifyFailure(pool, { status: 429, ...failure }, NOW)).toEqual({ action: 'cool-down', coolDownMs });
  });

  test("the pool's own default counts", () => {
    const own = definePool({ ...pool, failures: { ...pool.failures, coolDownMs: 5 } });
    expect(classifyFailure(own, { status: 429 })).toEqual({ action: 'cool-down', coolDownMs: 5 });
  });
});

test('an answer without a status that means anything means nothing', () => {
  for (const status of [0, 200, 302, 404, 408, 500, 503, Number.NaN])
    expect(classifyFailure(pool, { status, body: 'invalid api key' })).toEqual({ action: 'none' });
});
