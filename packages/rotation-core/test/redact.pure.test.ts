import { describe, expect, test } from 'vitest';
import { redact } from '../src/upstream/redact.ts';

const SECRET = 'fk-Made.Up+Secret/0123456789abcdef';

describe('a credential is taken out', () => {
  test.each<readonly [string, string]>([
    ['the secret itself', `key ${SECRET} is revoked`],
    ['the secret in other case', `key ${SECRET.toLowerCase()} is revoked`],
    ['a part of the secret', `no key begins with ${SECRET.slice(3, 14)}`],
    ['the secret in a URL', `GET https://api.example/v1?key=${SECRET}&alt=sse`],
    ['the secret in JSON', JSON.stringify({ headers: { authorization: `Bearer ${SECRET}` } })],
    ['sk-...', 'Incorrect API key provided: sk-proj-Secret.'],
    ['a masked key', 'Incorrect API key provided: sk-Secre***************************cret.'],
    ['a masked key without a prefix', 'wrong key: ab12Secret...cdef'],
    ['Bearer', 'header was Authorization: Bearer Secret-x'],
    ['bearer', 'you sent bearer Secret1'],
    ['a key of Google', "Consumer 'api_key:AIzaSecretx' has been suspended"],
    ['api_key=', 'called with api_key=Secret'],
    ['a token in JSON', '{"token": "Secret", "user": "x"}'],
    ['a password in a URL', 'connect to mongodb://admin:Secret@db.example:27017 failed'],
    ['a JSON Web Token', 'token is eyJhbGciOiJI.eyJTZWNyZXQi.Secret'],
    ['a long word of letters and digits', 'received Secret0123456789abcdefgh of project'],
    ['in base64', `received ${Buffer.from('Secret-0123456789').toString('base64')}`],
  ])('%s', (_title, text) => {
    const clean = redact(text, [SECRET]);
    expect(clean).toContain('[redacted]');
    expect(clean.toLowerCase()).not.toMatch(/secre|made\.up|0123456789|u2vjcmv0/);
  });
});

describe('what tells of the failure stays', () => {
  test.each([
    'Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits.',
    'API key not valid. Please pass a valid API key.',
    'You can find your API key at https://platform.openai.com/account/api-keys.',
    'token expired; key_model_access_denied; risk-based; invalid x-api-key',
    'Budget has been exceeded! Current cost: 26.075, Max budget: 0.25',
    'Please wait... then try again',
    '账户余额不足，请充值',
    '',
  ])('%s', (text) => {
    expect(redact(text, [SECRET])).toBe(text);
    expect(redact(text, [])).toBe(text);
    expect(redact(text, [''])).toBe(text);
  });
});

test('a text made to be slow takes no second', () => {
  const started = performance.now();
  for (const part of ['a', 'key', 'key ', 'key=', 'sk-', '://', ':', '*', 'a1', 'eyJ'])
    redact(part.repeat(10_000 / part.length), [SECRET]);
  expect(performance.now() - started).toBeLessThan(1_000);
});
