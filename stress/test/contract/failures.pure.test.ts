import { classifyFailure, type UpstreamFailure } from 'rotation-core';
import { describe, expect, test } from 'vitest';
import { services } from './services.ts';

/*
 * What the answers of upstreams mean for the keys of each service. The shapes of the answers are those of the presets' tests in
 * rotation-core, where the sources stand.
 */

const json = (body: object): string => JSON.stringify(body);
const openAi = (message: string, type: string, code: string | null): string =>
  json({ error: { message, type, param: null, code } });
const anthropic = (type: string, message: string): string => json({ type: 'error', error: { type, message } });
const gemini = (status: string, message: string, reason?: string): string =>
  json([{ error: { code: 400, message, status, details: reason === undefined ? [] : [{ reason }] } }]);

type Row = readonly [title: string, failure: UpstreamFailure, reason: 'exhausted' | 'auth-error'];

const ROTATED: readonly Row[] = [
  ['401', { status: 401 }, 'auth-error'],
  ['402', { status: 402 }, 'exhausted'],
  ['403', { status: 403 }, 'auth-error'],
  ['billing in words', { status: 400, body: 'Billing is not active' }, 'exhausted'],
  ['a subscription that ended', { status: 400, body: 'your SUBSCRIPTION ENDED yesterday' }, 'exhausted'],
  ['a code without an error', { status: 400, body: json({ code: 'invalid_api_key' }) }, 'auth-error'],
  ['a revoked key', { status: 400, body: 'this API key revoked by its owner' }, 'auth-error'],
  [
    'Gemini: invalid',
    { status: 400, body: gemini('INVALID_ARGUMENT', 'API key not valid.', 'API_KEY_INVALID') },
    'auth-error',
  ],
  [
    'Gemini: not valid, in words',
    { status: 400, body: gemini('INVALID_ARGUMENT', 'API key not valid. Please pass a valid API key.') },
    'auth-error',
  ],
  [
    'Gemini: expired',
    { status: 400, body: gemini('INVALID_ARGUMENT', 'API key expired. Please renew the API key.') },
    'auth-error',
  ],
  [
    'OpenAI: quota',
    { status: 429, body: openAi('You exceeded your current quota.', 'insufficient_quota', 'insufficient_quota') },
    'exhausted',
  ],
  [
    'Anthropic: credit',
    {
      status: 400,
      body: anthropic('invalid_request_error', 'Your credit balance is too low to access the Anthropic API.'),
    },
    'exhausted',
  ],
];

const COOLED: readonly (readonly [title: string, failure: UpstreamFailure, coolDownMs: number])[] = [
  ['429', { status: 429 }, 60_000],
  ['429 with a text', { status: 429, body: 'budget_exceeded: billing, invalid api key' }, 60_000],
  ['429 with Retry-After', { status: 429, retryAfter: '17' }, 17_000],
  [
    '429 of OpenAI for a rate',
    { status: 429, body: openAi('Rate limit reached', 'requests', 'rate_limit_exceeded') },
    60_000,
  ],
  [
    '429 of Gemini for a rate',
    {
      status: 429,
      body: gemini(
        'RESOURCE_EXHAUSTED',
        'You exceeded your current quota, please check your plan and billing details.',
      ),
    },
    60_000,
  ],
  ['529', { status: 529, body: anthropic('overloaded_error', 'Overloaded') }, 60_000],
];

const NOTHING: readonly (readonly [title: string, failure: UpstreamFailure])[] = [
  ['200', { status: 200, body: 'see the billing page, invalid api key' }],
  ['400', { status: 400, body: 'no such model' }],
  ['404', { status: 404 }],
  ['500', { status: 500 }],
  ['500 with a marker', { status: 500, body: 'Invalid API key' }],
  ['500, an outage of the billing', { status: 500, body: json({ error: { message: 'billing service unavailable' } }) }],
  ['503, an outage of the billing', { status: 503, body: 'billing service unavailable' }],
  ['a model with the word', { status: 404, body: json({ error: { message: 'model billing-bot not found' } }) }],
  [
    'a model with a marker',
    {
      status: 404,
      body: openAi('The model `subscription ended` does not exist', 'invalid_request_error', 'model_not_found'),
    },
  ],
  [
    'an echo of the prompt',
    {
      status: 400,
      body: json({
        error: { message: 'Invalid value: "API key not valid, subscription ended, billing"', param: 'messages' },
      }),
    },
  ],
  [
    'an echo beside the error',
    { status: 400, body: json({ error: { message: 'malformed' }, input: 'invalid api key, subscription ended' }) },
  ],
  [
    'an echo in a list of faults',
    { status: 400, body: json({ detail: [{ loc: ['body'], msg: 'bad', input: 'subscription ended' }] }) },
  ],
  [
    "a tool's name",
    {
      status: 400,
      body: openAi(
        "Invalid 'tools[0].function.name': 'insufficient_quota billing'",
        'invalid_request_error',
        'invalid_value',
      ),
    },
  ],
  [
    'a parameter',
    {
      status: 400,
      body: openAi('Unrecognized request argument supplied: subscribe budget_exceeded', 'invalid_request_error', null),
    },
  ],
];

describe.each(services)('failures of $title', ({ pool, hasBudget, isWithdrawn }) => {
  test.each(ROTATED)('rotate: %s', (_title, failure, reason) => {
    expect(classifyFailure(pool, failure)).toEqual({ action: 'rotate', reason });
  });

  test.each(COOLED)('cool-down: %s', (_title, failure, coolDownMs) => {
    expect(classifyFailure(pool, failure)).toEqual({ action: 'cool-down', coolDownMs });
  });

  test.each(NOTHING)('nothing: %s', (_title, failure) => {
    expect(classifyFailure(pool, failure)).toEqual({ action: 'none' });
  });

  test.each([
    json({ error: { type: 'budget_exceeded' } }),
    json({ error: { message: 'ExceededBudget: User=u1 over budget. Spend=1.1, Budget=1.0', type: 'auth_error' } }),
    json({ error: { message: 'this key is over budget' } }),
    'ExceededBudget',
    'budget_exceeded',
    'you are over budget',
  ])('400 %s rotates where the service has budgets', (body) => {
    const verdict = hasBudget ? { action: 'rotate', reason: 'exhausted' } : { action: 'none' };
    expect(classifyFailure(pool, { status: 400, body })).toEqual(verdict);
  });

  test.each([
    ['Ready for more? Reload your tokens at https://app.example/settings/billing', 'exhausted'],
    ['Subscribe to go on', 'exhausted'],
    ['See https://app.example/settings/billing', 'exhausted'],
    ['revoked', 'auth-error'],
  ] as const)('400 %s rotates where the upstream says so', (detail, reason) => {
    const verdict = isWithdrawn ? { action: 'rotate', reason } : { action: 'none' };
    expect(classifyFailure(pool, { status: 400, body: json({ detail }) })).toEqual(verdict);
    expect(classifyFailure(pool, { status: 400, body: detail })).toEqual(verdict);
  });
});
