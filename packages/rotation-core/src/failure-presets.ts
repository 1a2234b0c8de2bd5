import { COMMON_PRESET, type FailureAction, type FailureRule } from './failures.ts';

/*
 * What the answers of well-known upstreams mean, as data. A pool puts rules of its own first, then the presets of its upstreams,
 * and COMMON_FAILURES last, which alone has rules for whole statuses. The tests hold each rule against answers as the upstreams
 * document them, with the sources.
 */

const EXHAUSTED: FailureAction = { action: 'rotate', reason: 'exhausted' };
const AUTH_ERROR: FailureAction = { action: 'rotate', reason: 'auth-error' };
const NONE: FailureAction = { action: 'none' };

/** Sentences that repeat the request without quotation marks. Goes before rules that look for words. */
const REQUEST_ERRORS: FailureRule = {
  statuses: [400, 403, 422],
  markers: [
    'unrecognized request argument',
    'unrecognized request arguments',
    'unknown parameter',
    'unsupported parameter',
    'unexpected keyword argument',
    'extra inputs are not permitted',
    'invalid model name passed in',
    'unexpected model name format',
  ],
  ...NONE,
};

/** Names the rules of a preset. */
const preset = (name: string, rules: readonly FailureRule[]): readonly FailureRule[] =>
  Object.freeze(rules.map((rule) => Object.freeze({ ...rule, preset: name })));

/** OpenAI and Azure OpenAI. A quota that is used up comes with 429, as a rate limit does: only the code tells them apart. */
export const OPENAI_FAILURES: readonly FailureRule[] = preset('openai', [
  // Where the request came from, or which model it asked for: every key of the pool would be answered so.
  { statuses: [403], codes: ['unsupported_country_region_territory', 'model_not_found'], ...NONE },
  { statuses: [429], codes: ['insufficient_quota', 'billing_not_active'], ...EXHAUSTED },
]);

/** Anthropic. Credit that is used up comes with 400. */
export const ANTHROPIC_FAILURES: readonly FailureRule[] = preset('anthropic', [
  REQUEST_ERRORS,
  // An address or a region that is not served.
  { statuses: [403], markers: ['request not allowed'], ...NONE },
  {
    statuses: [400, 403],
    codes: ['billing_error'],
    markers: ['credit balance is too low', 'reached your specified api usage limits'],
    ...EXHAUSTED,
  },
  { statuses: [400, 403], markers: ['organization has been disabled', 'oauth token has been revoked'], ...AUTH_ERROR },
]);

/** Gemini. A key that is refused comes with 400. Its 429 is a rate limit, though it says "check your plan and billing details". */
export const GEMINI_FAILURES: readonly FailureRule[] = preset('gemini', [
  REQUEST_ERRORS,
  // A file or a tuned model of somebody else, which the request named.
  { statuses: [403], markers: ['or it may not exist'], ...NONE },
  {
    statuses: [400, 403],
    codes: ['API_KEY_INVALID', 'CONSUMER_SUSPENDED'],
    markers: ['API key not valid', 'API key expired', 'API key not found', 'API key was reported as leaked'],
    ...AUTH_ERROR,
  },
]);

/** LiteLLM and proxies built on it. A budget that is used up comes with 400, 401 or 429, by the version. */
export const LITELLM_FAILURES: readonly FailureRule[] = preset('litellm', [
  REQUEST_ERRORS,
  // The request named a model that this key may not use.
  {
    statuses: [401, 403],
    codes: [
      'key_model_access_denied',
      'team_model_access_denied',
      'user_model_access_denied',
      'org_model_access_denied',
    ],
    ...NONE,
  },
  { statuses: [400, 401, 403, 429], codes: ['budget_exceeded'], ...EXHAUSTED },
  {
    statuses: [400, 401, 403],
    markers: [
      'ExceededBudget',
      'budget_exceeded',
      'over budget',
      'Budget has been exceeded',
      'exceeded their budget',
      'exceeded budget',
    ],
    ...EXHAUSTED,
  },
]);

/** Answers by which upstreams in general say that a key failed, or that it must rest. Goes last: its last rules take whole statuses. */
export const COMMON_FAILURES: readonly FailureRule[] = preset(COMMON_PRESET, [
  REQUEST_ERRORS,
  // A content filter or a firewall refused what the request says.
  { statuses: [403], markers: ['requires moderation', 'input was flagged', 'you have been blocked'], ...NONE },
  {
    statuses: [400, 403, 422],
    codes: ['invalid_api_key', 'invalid_key', 'api_key_expired', 'api_key_revoked'],
    markers: [
      'invalid api key',
      'invalid_api_key',
      'incorrect api key',
      'invalid x-api-key',
      'api key is invalid',
      'api key has expired',
      'api key revoked',
      'api key is revoked',
      'key has been revoked',
    ],
    ...AUTH_ERROR,
  },
  {
    statuses: [400, 403, 422],
    codes: ['insufficient_quota', 'insufficient_credits', 'insufficient_balance', 'billing_hard_limit_reached'],
    markers: [
      'billing is not active',
      'billing hard limit',
      'subscription ended',
      'subscription has ended',
      'subscription expired',
      'subscription has expired',
      'insufficient credits',
      'insufficient balance',
      'insufficient funds',
    ],
    ...EXHAUSTED,
  },
  { statuses: [401, 403], ...AUTH_ERROR },
  { statuses: [402], ...EXHAUSTED },
  // 529: "overloaded", of Anthropic.
  { statuses: [429, 529], action: 'cool-down' },
]);
