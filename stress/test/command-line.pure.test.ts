import { EXIT_CODES, isUsageError, type StressOptions } from 'mongo-harness/testing';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { stress } from './support/stress-command.ts';
import { stressOptions } from './support/stress-options.ts';

beforeEach(() => {
  for (const name of Object.keys(process.env)) if (name.startsWith('ROTATION_')) vi.stubEnv(name, undefined);
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

describe('options', () => {
  test('without any: the default rows, three members, ten minutes, a seed by chance', () => {
    const { seed, ...options } = parse();
    expect(options).toEqual({ selection: {}, maxDuration: 600, members: 3, store: 'store', json: false, quiet: false });
    expect(Number.isSafeInteger(seed)).toBe(true);
    const seeds = new Set(Array.from({ length: 20 }, () => parse().seed));
    expect(seeds.size).toBeGreaterThan(1);
    for (const one of seeds) expect(parse('--seed', String(one)).seed).toBe(one);
  });

  test('all of them', () => {
    const argv =
      '--scenario chain --flow naive --deployment mixed --processes 2 --callers 9 --keys 8 --backups 0 --max-concurrency 7 --seed 6 --max-duration 5 --provider docker --members 1 --store there --json -q';
    expect(parse(...argv.split(' '))).toEqual({
      selection: {
        scenario: 'chain',
        flow: 'naive',
        deployment: 'mixed',
        processes: 2,
        size: { callers: 9, keys: 8, backups: 0 },
        maxConcurrency: 7,
      },
      seed: 6,
      maxDuration: 5,
      provider: 'docker',
      members: 1,
      store: 'there',
      json: true,
      quiet: true,
    });
  });
});

describe('environment', () => {
  test.each([
    ['ROTATION_SCENARIO', 'scarce', { selection: { scenario: 'scarce' } }],
    ['ROTATION_FLOW', 'reference-bare', { selection: { flow: 'reference-bare' } }],
    ['ROTATION_EXEC', 'python3 rotate.py', { selection: { exec: 'python3 rotate.py' } }],
    ['ROTATION_DEPLOYMENT', 'openhands', { selection: { deployment: 'openhands' } }],
    ['ROTATION_PROCESSES', '4', { selection: { processes: 4 } }],
    ['ROTATION_CALLERS', '50', { selection: { size: { callers: 50 } } }],
    ['ROTATION_KEYS', '5', { selection: { size: { keys: 5 } } }],
    ['ROTATION_BACKUPS', '0', { selection: { size: { backups: 0 } } }],
    ['ROTATION_MAX_CONCURRENCY', '3', { selection: { maxConcurrency: 3 } }],
    ['ROTATION_SEED', '0', { seed: 0 }],
    ['ROTATION_MAX_DURATION', '30', { maxDuration: 30 }],
    ['ROTATION_PROVIDER', 'wheel', { provider: 'wheel' }],
    ['ROTATION_MEMBERS', '1', { members: 1 }],
    ['ROTATION_STORE', 'elsewhere', { store: 'elsewhere' }],
  ] as const)('%s=%s', (name, value, options) => {
    vi.stubEnv(name, value);
    expect(parse()).toMatchObject(options);
  });

  test('a flag wins over it, and it over the default', () => {
    vi.stubEnv('ROTATION_MAX_DURATION', '30');
    expect(parse('--max-duration', '20').maxDuration).toBe(20);
    expect(parse().maxDuration).toBe(30);
    vi.unstubAllEnvs();
    expect(parse().maxDuration).toBe(600);
  });

  test('it is checked like a flag', () => {
    vi.stubEnv('ROTATION_FLOW', 'referense');
    expect(complaint()).toContain('Did you mean reference?');
  });
});

describe('what is refused', () => {
  test.each([
    [['--scenario', 'same-kye'], 'Did you mean same-key? There are: same-key, many-keys, scarce,'],
    [['--flow', 'checked-clam'], 'Did you mean checked-claim?'],
    [['--provider', 'kubernetes'], 'is invalid. There are: uri, binary, docker, download, wheel.'],
    [['--exec', ' '], 'Expected a command for the shell.'],
    [['--exec', 'true', '--flow', 'naive'], "option '--exec <command>' cannot be used with option '--flow <name>'"],
    [
      ['--deployment', 'openhand'],
      'Did you mean openhands? There are: keypool, openhands, openhandspool, mixed, braked.',
    ],
    [['--provider', 'dokcer'], 'Did you mean docker? There are: uri, binary, docker, download, wheel.'],
    [['--flwo', 'naive'], '(Did you mean --flow?)'],
    [['--callers', '0'], 'Expected a whole number from 1 to 1000000.'],
    [['--callers', '1e3'], 'Expected a whole number from 1 to 1000000.'],
    [['--callers', '1.5'], 'Expected a whole number from 1 to 1000000.'],
    [['--backups', '-1'], 'Expected a whole number from 0 to 1000000.'],
    [['--keys', ''], 'Expected a whole number from 1 to 1000000.'],
    [['--keys', '99999999999999999999'], 'Expected a whole number from 1 to 1000000.'],
    [['--processes', '101'], 'Expected a whole number from 1 to 100.'],
    [['--members', '8'], 'Expected a whole number from 1 to 7.'],
    [['--max-duration', '2147484'], 'Expected a whole number from 1 to 2147483.'],
    [['--seed', '2147483648'], 'Expected a whole number from 0 to 2147483647.'],
    [['--callers'], "option '--callers <count>' argument missing"],
    [['exploer'], 'Did you mean explore? There are: explore, replay, check, catalogue, fault-catalogue, matrix.'],
  ])('%j', (argv, text) => {
    expect(complaint(...argv)).toContain(text);
  });
});

describe('the command itself', () => {
  test('a typo ends with 64, a suggestion on standard error and nothing on standard output', async () => {
    const { code, stdout, stderr } = await stress.run(['--deployment', 'keypol']);
    expect(stderr).toContain('Did you mean keypool?');
    expect({ code, stdout }).toEqual({ code: 64, stdout: '' });
  });

  test('--help explains every flow, and shows examples and exit codes', async () => {
    const { code, stdout, stderr } = await stress.run(['--help']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('Examples:\n  $ node stress/src/main.ts ');
    expect(stdout).toContain('checks that the key exists, then claims');
    const explained = stdout.split('Exit codes:')[1] ?? '';
    for (const exitCode of Object.values(EXIT_CODES)) expect(explained).toMatch(new RegExp(`\\b${exitCode} [a-z]`));
  });
});

function parse(...argv: readonly string[]): StressOptions {
  return stressOptions(argv);
}

/** What the command prints on standard error before it gives up. */
function complaint(...argv: readonly string[]): string {
  const written = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  let exitCode: number | undefined;
  try {
    parse(...argv);
  } catch (error) {
    if (!isUsageError(error)) throw error;
    ({ exitCode } = error);
  }
  const text = written.mock.calls.map(([chunk]) => String(chunk)).join('');
  written.mockRestore();
  expect(exitCode).toBe(1);
  return text;
}
