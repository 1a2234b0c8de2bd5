import { readFile } from 'node:fs/promises';
import {
  judgeSchedule,
  openGatedScenario,
  planExploration,
  type GatedScenario,
  type StoredResult,
} from 'mongo-harness/testing';
import { formatRun, type RunResult } from 'mongo-interleave';
import { childrenOf, createStore, oneMemberSet, preparePython, type Toolchain } from 'test-kit';
import { afterAll, beforeAll, describe, expect, test, vi, type TestContext } from 'vitest';
import rotationSystem from '../../src/rotation-system.ts';
import { stress } from '../support/stress-command.ts';

/* The example in Python. It knows nothing of the gate, and nor does its driver. */

const uri = oneMemberSet().uri;
vi.setConfig({ testTimeout: 120_000 });
let python: Toolchain;
beforeAll(async () => {
  python = await preparePython();
});

/** Skips the test, and says why, where there is no Python. */
function commandOf({ skip }: TestContext): string {
  return python.kind === 'missing' ? skip(python.reason) : python.command;
}

test('pnpm stress explore catches it: every interleaving, a token, and how to see it again', async (context) => {
  const exec = commandOf(context);
  using store = createStore<StoredResult>();
  const argv = ['explore', '--exec', exec, '--scenario', 'same-key', '--judged', 'end', '--store', store.path];
  const { code, stdout, stderr } = await stress.run(argv, { MONGODB_URI: uri });
  expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
  const [row] = store.result().rows;
  // As many as of the same flow in TypeScript: another driver, and the same commands.
  expect(row).toMatchObject({
    trial: { flow: 'exec' },
    verdict: 'violated',
    exploration: { classes: 18, complete: true },
  });
  const token = row?.exploration?.token;
  expect(stdout).toContain(`${token} violated: I1: k1 took 2 backups instead of one`);
  expect(stdout).toContain(`node stress/src/main.ts replay ${token} --exec '${exec}' --judged end --scenario same-key`);
});

test('each of its writes is a commit: what is broken in between is told, too', async (context) => {
  const trial = planExploration(rotationSystem, { exec: commandOf(context), scenario: 'same-key', callers: 2 });
  await using scenario = await openGatedScenario(rotationSystem, uri, trial);
  const { violations } = judgeSchedule(await scenario.session.run('v1:AAAAAAAB'));
  expect(violations.map(({ sentence }) => sentence)).toContain(
    'in a state that was committed meanwhile: k1 was retired, and no live key took its place',
  );
});

describe('at the gate, one process for each client and all runs', () => {
  let scenario: GatedScenario | undefined;
  beforeAll(async () => {
    if (python.kind === 'missing') return;
    const trial = planExploration(rotationSystem, {
      exec: python.command,
      scenario: 'same-key',
      callers: 2,
      judged: 'end',
    });
    scenario = await openGatedScenario(rotationSystem, uri, trial);
  });
  afterAll(() => scenario?.[Symbol.asyncDispose]());

  const run = async (context: TestContext, token: string): Promise<RunResult<string>> => {
    commandOf(context);
    if (scenario === undefined) throw new Error('no scenario was opened');
    return scenario.session.run(token);
  };
  const processes = (): number[] => childrenOf(process.pid, 'checked_claim.py');

  test('a token replays to the letter', async (context) => {
    const first = formatRun(await run(context, 'v1:AAAABBBBBBA'));
    const before = processes();
    const second = formatRun(await run(context, 'v1:AAAABBBBBBA'));
    expect(first).toContain('v1:AAAABBBBBBA violated: I1: k1 took 2 backups instead of one');
    expect(first).toContain('B returned "caller 1: k1 rotated b2"');
    expect(second).toBe(first);
    expect(before).toHaveLength(2);
    expect(processes()).toEqual(before);
  });

  test('one after the other they do what they should', async (context) => {
    const { verdict, outcomes } = await run(context, 'v1:AAAAAAAB');
    expect(outcomes).toMatchObject([{ value: 'caller 0: k1 rotated b1' }, { value: 'caller 1: k1 already-rotated' }]);
    expect(verdict).toEqual({ kind: 'valid' });
  });

  test('a crash after the claim kills the process; a fresh one claims again, and the next run is as good as new', async (context) => {
    await run(context, 'v1:AAAAAAAB');
    const before = processes();
    const crashed = await run(context, 'v1:AA*AAAAAAAB');
    expect(formatRun(crashed)).toContain('A returned "caller 0: k1 rotated b2"');
    expect(crashed.verdict).toMatchObject({ kind: 'violated' });
    expect((await run(context, 'v1:AAAAAAAB')).verdict).toEqual({ kind: 'valid' });
    const after = processes();
    expect(after).toHaveLength(2);
    expect(before.filter((pid) => after.includes(pid))).toHaveLength(1);
  });

  test.for([
    ['a lost reply: the driver asks again, and the server answers what it did', 'v1:AA~AAAAAAB'],
    ['a connection that ends before the command: the driver asks again', 'v1:AA^AAAAAAB'],
    ['a command that the server refuses: the driver asks again', 'v1:AA#AAAAAAB'],
  ] as const)('%s', async ([, token], context) => {
    const { verdict, outcomes } = await run(context, token);
    expect(outcomes[0]).toMatchObject({ value: 'caller 0: k1 rotated b1' });
    expect(verdict.kind).toBe('valid');
  });
});

// Whether eight processes meet in the window of a few milliseconds is luck; what is sure is that they are under way at once.
test('a storm of it: eight processes at once, and each call is answered', async (context) => {
  using store = createStore<StoredResult>();
  const argv = ['--exec', commandOf(context), '--scenario', 'same-key', '--callers', '24', '--store', store.path];
  const { code, stderr } = await stress.run(argv, { MONGODB_URI: uri });
  expect([0, 1]).toContain(code);
  expect(stderr).toBe('');
  const [row] = store.result().rows;
  expect(Object.keys(row?.storm?.answers ?? {}).toSorted()).toEqual(['already-rotated', 'rotated']);
  expect(Object.values(row?.storm?.answers ?? {}).reduce((sum, { count }) => sum + count, 0)).toBe(24);
  expect(row?.storm?.contention.overlap).toBeGreaterThanOrEqual(8);
});

test('it stays short enough to be read as an example', async () => {
  const example = await readFile(new URL('../../../examples/python/checked_claim.py', import.meta.url), 'utf8');
  expect(example.split('\n').length).toBeLessThan(50);
});
