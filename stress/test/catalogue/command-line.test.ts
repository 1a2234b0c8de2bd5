import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { parseCommandLine } from '../../src/command-line.ts';

beforeEach(() => {
  for (const name of Object.keys(process.env)) if (name.startsWith('ROTATION_')) vi.stubEnv(name, undefined);
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

const byDefault = { tries: 5, budget: 2, seed: 1, timeLimit: 600, json: false, quiet: false };

test.each([
  ['catalogue', byDefault],
  [
    'catalogue --subject naive --tries 3 --budget 9 --seed 0 --time-limit 60 --provider docker --json -q',
    {
      subject: 'naive',
      tries: 3,
      budget: 9,
      seed: 0,
      timeLimit: 60,
      provider: 'docker',
      json: true,
      quiet: true,
    },
  ],
])('%s', (text, options) => {
  expect(parseCommandLine(text.split(' '))).toEqual({ kind: 'catalogue', options });
});

test('a flow that is no known-bad one', () => {
  vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  expect(() => parseCommandLine(['catalogue', '--subject', 'reference'])).toThrow('naive, checked-claim');
});
