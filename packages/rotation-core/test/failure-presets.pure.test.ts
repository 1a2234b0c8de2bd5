import { describe, expect, test } from 'vitest';
import {
  ANTHROPIC_FAILURES,
  classifyFailure,
  COMMON_FAILURES,
  definePool,
  GEMINI_FAILURES,
  LITELLM_FAILURES,
  OPENAI_FAILURES,
  type FailureRule,
  type Pool,
  type UpstreamFailure,
} from '../src/index.ts';
import { deletingPool } from './support/pools.ts';

/*
 * Answers as the upstreams document them, or as their users report them, with the source of each. Ids and credentials in them are
 * made up.
 */

type Meaning = 'exhausted' | 'auth-error' | 'cool-down' | 'none';
interface Documented extends UpstreamFailure {
  readonly title: string;
  readonly source: string;
  readonly means: Meaning;
}

const openAi = (code: string | null, type: string, message: string): object => ({
  error: { message, type, param: null, code },
});
const anthropic = (type: string, message: string): object => ({
  type: 'error',
  error: { type, message },
  request_id: 'req_011',
});
const gemini = (code: number, status: string, message: string, ...details: object[]): object => ({
  error: { code, message, status, details },
});
const errorInfo = (reason: string): object => ({
  '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
  reason,
  domain: 'googleapis.com',
  metadata: { service: 'generativelanguage.googleapis.com' },
});

const OPENAI: readonly Documented[] = [
  {
    title: 'a wrong key',
    source: 'https://platform.openai.com/docs/guides/error-codes',
    status: 401,
    body: openAi('invalid_api_key', 'invalid_request_error', 'Incorrect API key provided: sk-made****up.'),
    means: 'auth-error',
  },
  {
    title: 'a quota that is used up',
    source: 'https://github.com/mattvr/ShellGPT/issues/23',
    status: 429,
    body: openAi(
      'insufficient_quota',
      'insufficient_quota',
      'You exceeded your current quota, please check your plan and billing details.',
    ),
    means: 'exhausted',
  },
  {
    title: 'a quota that is used up, without a code',
    source: 'https://huggingface.co/spaces/microsoft/HuggingGPT/discussions/5',
    status: 429,
    body: openAi(
      null,
      'insufficient_quota',
      'You exceeded your current quota, please check your plan and billing details.',
    ),
    means: 'exhausted',
  },
  {
    title: 'a rate limit',
    source: 'https://platform.openai.com/docs/guides/error-codes',
    status: 429,
    body: openAi(
      'rate_limit_exceeded',
      'tokens',
      'Rate limit reached for gpt-4o on tokens per min. Please try again in 6ms.',
    ),
    means: 'cool-down',
  },
  {
    title: 'a spending limit',
    source: 'https://github.com/dfinke/PowerShellAI/issues/127',
    status: 400,
    body: openAi('billing_hard_limit_reached', 'invalid_request_error', 'Billing hard limit has been reached'),
    means: 'exhausted',
  },
  {
    title: 'the same, without its code',
    source: 'https://github.com/all-in-aigc/aiwallpaper/issues/2',
    status: 400,
    body: '400 Billing hard limit has been reached',
    means: 'exhausted',
  },
  {
    title: 'a region that is not served',
    source: 'https://github.com/home-assistant/core/issues/120072',
    status: 403,
    body: openAi(
      'unsupported_country_region_territory',
      'request_forbidden',
      'Country, region, or territory not supported',
    ),
    means: 'none',
  },
  {
    title: 'a parameter that the caller made up',
    source: 'https://github.com/nashsu/llm_wiki/issues/336',
    status: 400,
    body: openAi(null, 'invalid_request_error', 'Unrecognized request argument supplied: thinking'),
    means: 'none',
  },
  {
    title: 'the same with the name of a failure',
    source: 'https://github.com/nashsu/llm_wiki/issues/336',
    status: 400,
    body: openAi(
      null,
      'invalid_request_error',
      'Unrecognized request argument supplied: billing hard limit has been reached',
    ),
    means: 'none',
  },
  {
    title: 'a model that the caller may not use',
    source: 'https://platform.openai.com/docs/guides/error-codes',
    status: 403,
    body: openAi('model_not_found', 'invalid_request_error', 'Project `proj_1` does not have access to model `m`'),
    means: 'none',
  },
];

const ANTHROPIC: readonly Documented[] = [
  {
    title: 'a wrong key',
    source: 'https://docs.anthropic.com/en/api/errors',
    status: 401,
    body: anthropic('authentication_error', 'invalid x-api-key'),
    means: 'auth-error',
  },
  {
    title: 'a billing error',
    source: 'https://docs.anthropic.com/en/api/errors',
    status: 402,
    body: anthropic('billing_error', 'There is a problem with your billing.'),
    means: 'exhausted',
  },
  {
    title: 'credit that is used up',
    source: 'https://github.com/anthropics/claude-code/issues/66314',
    status: 400,
    body: anthropic(
      'invalid_request_error',
      'Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits.',
    ),
    means: 'exhausted',
  },
  {
    title: 'a spending limit',
    source: 'https://github.com/anthropics/claude-code/issues/38035',
    status: 400,
    body: anthropic(
      'invalid_request_error',
      'You have reached your specified API usage limits. You will regain access on 2026-04-01 at 00:00 UTC.',
    ),
    means: 'exhausted',
  },
  {
    title: 'a disabled organization',
    source: 'https://github.com/anthropics/claude-code/issues/19028',
    status: 400,
    body: anthropic('invalid_request_error', 'This organization has been disabled.'),
    means: 'auth-error',
  },
  {
    title: 'a region that is not served',
    source: 'https://github.com/enricoros/big-AGI/issues/485',
    status: 403,
    body: { error: { type: 'forbidden', message: 'Request not allowed' } },
    means: 'none',
  },
  {
    title: 'a rate limit',
    source: 'https://github.com/anthropics/claude-code/issues/29584',
    status: 429,
    body: anthropic('rate_limit_error', 'Extra usage is required for long context requests.'),
    means: 'cool-down',
  },
  {
    title: 'overload',
    source: 'https://docs.anthropic.com/en/api/errors',
    status: 529,
    body: anthropic('overloaded_error', 'Overloaded'),
    means: 'cool-down',
  },
  {
    title: 'a parameter with the name of a failure',
    source: 'https://docs.anthropic.com/en/api/errors',
    status: 400,
    body: anthropic('invalid_request_error', 'credit balance is too low: Extra inputs are not permitted'),
    means: 'none',
  },
];

const GEMINI: readonly Documented[] = [
  {
    title: 'a wrong key',
    source: 'https://github.com/cequence-io/openai-scala-client/issues/109',
    status: 400,
    body: gemini(
      400,
      'INVALID_ARGUMENT',
      'API key not valid. Please pass a valid API key.',
      errorInfo('API_KEY_INVALID'),
    ),
    means: 'auth-error',
  },
  {
    title: 'a wrong key, in a list',
    source: 'https://github.com/google-gemini/gemini-cli/issues/10925 (the form)',
    status: 400,
    body: JSON.stringify([gemini(400, 'INVALID_ARGUMENT', 'Bad request.', errorInfo('API_KEY_INVALID'))]),
    means: 'auth-error',
  },
  {
    title: 'a wrong key, in the message of another error',
    source: 'https://github.com/continuedev/continue/issues/10290',
    status: 400,
    body: {
      error: {
        message: JSON.stringify(
          gemini(400, 'INVALID_ARGUMENT', 'API key not valid.', errorInfo('API_KEY_INVALID')),
          null,
          2,
        ),
        code: 400,
        status: 'Bad Request',
      },
    },
    means: 'auth-error',
  },
  {
    title: 'a key that was deleted',
    source: 'https://github.com/google-gemini/gemini-cli/issues/25198',
    status: 400,
    body: gemini(400, 'INVALID_ARGUMENT', 'API Key not found. Please pass a valid API key.'),
    means: 'auth-error',
  },
  {
    title: 'a suspended key',
    source: 'https://github.com/google/generative-ai-docs/issues/356',
    status: 403,
    body: gemini(
      403,
      'PERMISSION_DENIED',
      "Permission denied: Consumer 'api_key:AIza-made-up' has been suspended.",
      errorInfo('CONSUMER_SUSPENDED'),
    ),
    means: 'auth-error',
  },
  {
    title: 'a leaked key',
    source: 'https://github.com/continuedev/continue/issues/11541',
    status: 403,
    body: gemini(403, 'PERMISSION_DENIED', 'Your API key was reported as leaked. Please use another API key.'),
    means: 'auth-error',
  },
  {
    title: "somebody else's file",
    source: 'https://github.com/googleapis/python-genai/issues/1218',
    status: 403,
    body: gemini(403, 'PERMISSION_DENIED', 'You do not have permission to access the File xxxx or it may not exist.'),
    means: 'none',
  },
  {
    title: 'a rate limit, with the words of a quota',
    source: 'https://github.com/RooCodeInc/Roo-Code/issues/3883',
    status: 429,
    body: gemini(
      429,
      'RESOURCE_EXHAUSTED',
      'You exceeded your current quota, please check your plan and billing details.',
    ),
    means: 'cool-down',
  },
  {
    title: 'a bad request',
    source: 'https://github.com/google-gemini/gemini-cli/issues/4701',
    status: 400,
    body: JSON.stringify([gemini(400, 'INVALID_ARGUMENT', 'Request contains an invalid argument.')]),
    means: 'none',
  },
  {
    title: 'a model with the name of a failure',
    source: 'https://ai.google.dev/gemini-api/docs/troubleshooting',
    status: 400,
    body: gemini(
      400,
      'INVALID_ARGUMENT',
      '* GenerateContentRequest.model: unexpected model name format, api key expired',
    ),
    means: 'none',
  },
  {
    title: 'a key that expired',
    source: 'https://ai.google.dev/gemini-api/docs/troubleshooting',
    status: 400,
    body: gemini(400, 'INVALID_ARGUMENT', 'API key expired. Please renew the API key.', errorInfo('API_KEY_INVALID')),
    means: 'auth-error',
  },
];

const LITELLM: readonly Documented[] = [
  {
    title: "a user's budget",
    source: 'https://docs.litellm.ai/docs/proxy/users',
    status: 400,
    body: {
      error: {
        message: 'ExceededBudget: User=ishaan3 over budget. Spend=0.0008, Budget=0.0001',
        type: 'auth_error',
        param: 'None',
        code: 400,
      },
    },
    means: 'exhausted',
  },
  {
    title: "a key's budget",
    source: 'https://github.com/BerriAI/litellm/issues/4208',
    status: 400,
    body: {
      error: {
        message: 'Budget has been exceeded! Current cost: 0.0010747, Max budget: 0.0',
        type: 'auth_error',
        param: null,
        code: 400,
      },
    },
    means: 'exhausted',
  },
  {
    title: 'a budget, by its type',
    source: 'https://github.com/BerriAI/litellm/pull/4606',
    status: 400,
    body: { error: { message: 'no more', type: 'budget_exceeded', param: null, code: '400' } },
    means: 'exhausted',
  },
  {
    title: 'a budget with 429',
    source: 'https://github.com/BerriAI/litellm/pull/37000',
    status: 429,
    body: {
      error: {
        message: 'LiteLLM User: engineer-1, exceeded budget for model=m',
        type: 'budget_exceeded',
        param: null,
        code: '429',
      },
    },
    means: 'exhausted',
  },
  {
    title: 'a proxy behind the proxy',
    source: 'https://github.com/OpenHands/benchmarks/issues/229',
    status: 400,
    body: {
      error: {
        message:
          'litellm.BadRequestError: Litellm_proxyException - Budget has been exceeded! Current cost: 1000.1, Max budget: 1000.0',
        type: null,
        param: null,
        code: '400',
      },
    },
    means: 'exhausted',
  },
  {
    title: 'a rate limit',
    source: 'https://github.com/BerriAI/litellm/issues/14144',
    status: 429,
    body: '429 No deployments available - crossed budget: Exceeded budget for deployment',
    means: 'cool-down',
  },
  {
    title: 'a model that the key may not use',
    source: 'https://github.com/winfunc/opcode/issues/358',
    status: 401,
    body: {
      error: {
        message: "key not allowed to access model. This key can only access models=['gpt-5']. Tried to access m",
        type: 'key_model_access_denied',
        param: 'model',
        code: '401',
      },
    },
    means: 'none',
  },
  {
    title: 'a model with the name of a failure',
    source: 'https://docs.litellm.ai/docs/proxy/error_diagnosis',
    status: 400,
    body: {
      error: {
        message:
          '/chat/completions: Invalid model name passed in model=over budget. Call `/v1/models` to view available models for your key.',
        type: 'invalid_request_error',
        param: 'model',
        code: '400',
      },
    },
    means: 'none',
  },
];

const COMMON: readonly Documented[] = [
  { title: 'RFC 9110', source: 'RFC 9110, section 15.5.2', status: 401, means: 'auth-error' },
  { title: 'RFC 9110', source: 'RFC 9110, section 15.5.3', status: 402, means: 'exhausted' },
  { title: 'RFC 9110', source: 'RFC 9110, section 15.5.4', status: 403, means: 'auth-error' },
  { title: 'RFC 6585', source: 'RFC 6585, section 4', status: 429, means: 'cool-down' },
  { title: 'RFC 9110', source: 'RFC 9110, section 15.6.4', status: 503, means: 'none' },
  {
    title: 'problem details',
    source: 'RFC 9457, section 3',
    status: 403,
    body: JSON.stringify({
      type: 'about:blank',
      title: 'Your subscription has ended',
      status: 403,
      detail: 'Renew it.',
    }),
    means: 'exhausted',
  },
  {
    title: 'OpenRouter: credit',
    source: 'https://github.com/open-assistant-org/open-assistant/issues/80',
    status: 402,
    body: {
      error: { message: 'Insufficient credits. Add more using https://openrouter.ai/settings/credits', code: 402 },
    },
    means: 'exhausted',
  },
  {
    title: 'OpenRouter: a filter of contents',
    source: 'https://openrouter.ai/docs/api-reference/errors',
    status: 403,
    body: { error: { message: 'Your chosen model requires moderation and your input was flagged', code: 403 } },
    means: 'none',
  },
  {
    title: 'a firewall, which looks at what the request says',
    source: 'https://developers.cloudflare.com/support/troubleshooting/http-status-codes/4xx-client-error/error-403/',
    status: 403,
    body: '<html><title>Attention Required! | Cloudflare</title><h1>Sorry, you have been blocked</h1></html>',
    means: 'none',
  },
  {
    title: 'Anthropic, refused by a proxy of its own',
    source: 'https://github.com/enricoros/big-AGI/issues/176',
    status: 403,
    body: '{"error":{"type":"authentication_error","message":"Invalid API Key"}}',
    means: 'auth-error',
  },
  {
    title: 'a parameter with the name of a failure',
    source: 'https://platform.openai.com/docs/guides/error-codes',
    status: 400,
    body: { error: { message: 'Unknown parameter: subscription ended', code: 'unknown_parameter' } },
    means: 'none',
  },
  {
    title: 'a key in words',
    source: 'https://github.com/babaohuang/GeminiProChat/issues/142 (the form)',
    status: 400,
    body: 'Error: Invalid API key',
    means: 'auth-error',
  },
];

const PRESETS = { OPENAI_FAILURES, ANTHROPIC_FAILURES, GEMINI_FAILURES, LITELLM_FAILURES };
const DOCUMENTED: Readonly<Record<keyof typeof PRESETS | 'COMMON_FAILURES', readonly Documented[]>> = {
  OPENAI_FAILURES: OPENAI,
  ANTHROPIC_FAILURES: ANTHROPIC,
  GEMINI_FAILURES: GEMINI,
  LITELLM_FAILURES: LITELLM,
  COMMON_FAILURES: COMMON,
};

const poolWith = (rules: readonly FailureRule[]): Pool =>
  definePool({ ...deletingPool, failures: { rules, coolDownMs: 60_000 } });

function meaningOf(pool: Pool, failure: UpstreamFailure): Meaning {
  const verdict = classifyFailure(pool, failure);
  return verdict.action === 'rotate' ? verdict.reason : verdict.action;
}

describe.each(Object.entries(PRESETS))('%s with COMMON_FAILURES', (name, preset) => {
  const pool = poolWith([...preset, ...COMMON_FAILURES]);
  test.each(Object.entries(DOCUMENTED).flatMap(([key, rows]) => (key === name ? rows : [])))(
    '$status $title: $means ($source)',
    ({ means, title: _title, source: _source, ...failure }) => {
      expect(meaningOf(pool, failure)).toBe(means);
      const text = typeof failure.body === 'object' ? JSON.stringify(failure.body) : failure.body;
      expect(meaningOf(pool, { ...failure, body: text })).toBe(means);
    },
  );
});

describe('COMMON_FAILURES alone', () => {
  test.each(COMMON)('$status $title: $means ($source)', ({ means, title: _title, source: _source, ...failure }) => {
    expect(meaningOf(poolWith(COMMON_FAILURES), failure)).toBe(means);
  });
});

describe('presets do not get in the way of each other', () => {
  const all = Object.values(PRESETS);
  const orders = all
    .map((_, start) => [...all.slice(start), ...all.slice(0, start)])
    .flatMap((order) => [order, order.toReversed()]);
  test.each(orders.map((order) => [order.map((rules) => rules[0]?.preset).join(', '), order] as const))(
    '%s',
    (_title, order) => {
      const pool = poolWith([...order.flat(), ...COMMON_FAILURES]);
      for (const { means, title, source: _source, ...failure } of Object.values(DOCUMENTED).flat())
        expect([title, meaningOf(pool, failure)]).toEqual([title, means]);
    },
  );
});

test('no answer of 500 and above rotates, whatever it says', () => {
  const pool = poolWith([...Object.values(PRESETS).flat(), ...COMMON_FAILURES]);
  for (const { body } of Object.values(DOCUMENTED).flat())
    for (const status of [500, 502, 503, 504, 520, 524, 529])
      expect(meaningOf(pool, { status, body })).not.toMatch(/auth-error|exhausted/);
});

test('each rule of a preset decides about one of the answers above', () => {
  for (const [name, preset] of Object.entries({ ...PRESETS, COMMON_FAILURES })) {
    const rest = preset === COMMON_FAILURES ? [] : COMMON_FAILURES;
    const rows = Object.values(DOCUMENTED).flat();
    for (const index of preset.keys()) {
      const whole = poolWith([...preset, ...rest]);
      const without = poolWith([...preset.slice(0, index), ...preset.slice(index + 1), ...rest]);
      const decides = rows.some((row) => meaningOf(whole, row) !== meaningOf(without, row));
      expect([name, index, decides]).toEqual([name, index, true]);
    }
  }
});
