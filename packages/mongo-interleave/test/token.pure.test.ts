import { expect, test } from 'vitest';
import { formatToken, parseToken, type Choice } from '../src/index.ts';

test.each<[string, Choice[]]>([
  ['v1:', []],
  [
    'v1:AB',
    [
      { client: 0, position: 0 },
      { client: 1, position: 0 },
    ],
  ],
  [
    'v1:ZA2A10B',
    [
      { client: 25, position: 0 },
      { client: 0, position: 1 },
      { client: 0, position: 9 },
      { client: 1, position: 0 },
    ],
  ],
  [
    'v1:A!B2~A^B#C*',
    [
      { client: 0, position: 0, fault: 'crash' },
      { client: 1, position: 1, fault: 'lost-reply' },
      { client: 0, position: 0, fault: 'reset' },
      { client: 1, position: 0, fault: 'error' },
      { client: 2, position: 0, fault: 'crash-after' },
    ],
  ],
  [
    'v1:A@B2%',
    [
      { client: 0, position: 0, fault: 'step-down' },
      { client: 1, position: 1, fault: 'step-down-after' },
    ],
  ],
])('%s is read and written', (token, choices) => {
  expect(parseToken(token)).toEqual(choices);
  expect(formatToken(choices)).toBe(token);
});

test.each([
  '',
  'AB',
  'v2:AB',
  'v1:ab',
  'v1:A1',
  'v1:A0',
  'v1:A B',
  'v1:!',
  'v1:A!!',
  'v1:2',
  'v1:A100',
  `v1:${'A'.repeat(20_000)}`,
])('refuses %j', (token) => {
  expect(() => parseToken(token)).toThrow(expect.objectContaining({ name: 'InterleaveError', code: 'invalid-token' }));
});
