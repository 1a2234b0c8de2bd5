import { parseCommandLine, type CommandLine } from 'mongo-harness/testing';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import rotationSystem from '../../src/rotation-system.ts';

beforeEach(() => {
  for (const name of Object.keys(process.env)) if (name.startsWith('ROTATION_')) vi.stubEnv(name, undefined);
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

const parse = (argv: readonly string[]): CommandLine => parseCommandLine(rotationSystem, 'pnpm stress', argv);
const byDefault = { tries: 5, budget: 2, seed: 1, maxDuration: 600, json: false, quiet: false };

test.each([
  ['catalogue', byDefault],
  [
    'catalogue --flow naive --tries 3 --budget 9 --seed 0 --max-duration 60 --provider docker --json -q',
    {
      flow: 'naive',
      tries: 3,
      budget: 9,
      seed: 0,
      maxDuration: 60,
      provider: 'docker',
      json: true,
      quiet: true,
    },
  ],
])('%s', (text, options) => {
  expect(parse(text.split(' '))).toEqual({ kind: 'catalogue', options });
});

const faultsByDefault = {
  tries: 20,
  budget: 60,
  seed: 1,
  store: 'store',
  maxDuration: 2_147_483,
  json: false,
  quiet: false,
};

test.each([
  ['fault-catalogue', faultsByDefault],
  [
    'fault-catalogue --flow w1 --fault rollback,step-down --tries 3 --budget 9 --seed 0 --max-duration 60 --store s --json -q',
    {
      ...faultsByDefault,
      flow: 'w1',
      fault: ['rollback', 'step-down'],
      tries: 3,
      budget: 9,
      seed: 0,
      maxDuration: 60,
      store: 's',
      json: true,
      quiet: true,
    },
  ],
])('%s', (text, options) => {
  expect(parse(text.split(' '))).toEqual({ kind: 'fault-catalogue', options });
});

const matrixByDefault = {
  budget: 15,
  seed: 1,
  store: 'store',
  maxDuration: 2_147_483,
  json: false,
  quiet: false,
};

test.each([
  ['matrix', matrixByDefault],
  [
    'matrix --flow local-w-1 --fault rollback,kill-primary --budget 9 --seed 0 --max-duration 60 --store s --json -q',
    {
      ...matrixByDefault,
      flow: 'local-w-1',
      fault: ['rollback', 'kill-primary'],
      budget: 9,
      seed: 0,
      maxDuration: 60,
      store: 's',
      json: true,
      quiet: true,
    },
  ],
])('%s', (text, options) => {
  expect(parse(text.split(' '))).toEqual({ kind: 'matrix', options });
});

test.each([
  'catalogue --flow w1',
  'fault-catalogue --flow naive',
  'fault-catalogue --fault fire',
  'matrix --flow reference',
  'matrix --fault freeze-caller',
])('%s is refused', (text) => {
  vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  expect(() => parse(text.split(' '))).toThrow('There are: ');
});

test('a flow that is no mutant', () => {
  vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  expect(() => parse(['catalogue', '--flow', 'reference'])).toThrow('naive, checked-claim');
});
