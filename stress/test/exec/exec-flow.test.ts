import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import {
  exploreTrial,
  flowOptions,
  judgeSchedule,
  openGatedScenario,
  planExploration,
  planExplorations,
  planStorms,
  ProgramError,
  type ExplorationSelection,
  type ExplorationTrial,
  type Row,
  type StoredResult,
  type Trial,
} from 'mongo-harness/testing';
import { formatRun } from 'mongo-interleave';
import { childrenOf, createStore, processesWith, until, oneMemberSet } from 'test-kit';
import { describe, expect, test, vi } from 'vitest';
import rotationSystem from '../../src/rotation-system.ts';
import { stress } from '../support/stress-command.ts';
import { createTestContext } from '../support/test-context.ts';

const uri = oneMemberSet().uri;
vi.setConfig({ testTimeout: 120_000 });
const program = fileURLToPath(new URL('../support/foreign-flow.ts', import.meta.url));
const commandOf = (...argv: string[]): string => [process.execPath, program, ...argv].join(' ');
const STARTS_MAX_MS = 80_000;
const ENDS_MAX_MS = 10_000;
const context = { ...createTestContext(), signal: AbortSignal.timeout(100_000) };
const planOne = (selection: ExplorationSelection): ExplorationTrial => planExploration(rotationSystem, selection);

describe('a flow outside is explored as it is inside', () => {
  test.each(['reference-bare', 'checked-claim'])('%s: the same classes, the same verdict', async (flow) => {
    const choice = { scenario: 'same-key', callers: 2, judged: 'end' } as const;
    const explored = (selection: ExplorationSelection): Promise<Row> =>
      exploreTrial(context, uri, planOne({ ...choice, ...selection }), { maxViolations: Infinity });
    const outside = await explored({ exec: commandOf(flow) });
    const inside = await explored({ flow });
    expect(outside).toMatchObject({ trial: { flow: 'exec', expected: 'valid' }, verdict: inside.verdict });
    // A program does not say who claimed what, so the texts of the traces differ.
    const { classes, redundant, runs, complete, token } = inside.exploration ?? {};
    expect(outside.exploration).toMatchObject({
      classes,
      redundant,
      runs,
      complete,
      ...(token === undefined ? {} : { token }),
    });
  });

  test('what it answers is placed in the order of the steps', async () => {
    const exec = commandOf('checked-claim', '--hasty');
    const trial = planOne({ exec, scenario: 'scarce', callers: 2, judged: 'end' });
    await using scenario = await openGatedScenario(rotationSystem, uri, trial);
    const result = await scenario.session.run(`v1:A${'B'.repeat(7)}`);
    expect(formatRun(result)).toContain('A returned "caller 0: k1 no-backup"');
    // The stock came to its end only after that.
    expect(judgeSchedule(result).violations.map(({ invariant }) => invariant)).toEqual(['I7']);
  });
});

test('Ctrl-C in the middle of calls that hang: 130, and no program is left', async () => {
  using store = createStore<StoredResult>();
  const mark = `hangs-${process.pid}`;
  const answered = '{"id":1,"outcome":"not-found"}';
  const exec = `: ${mark}; while read -r line; do case $line in *rehearsal*) echo '${answered}';; *) sleep 1000;; esac; done`;
  const argv = ['--scenario', 'same-key', '--callers', '4', '--store', store.path];
  await using command = stress.start(argv, { MONGODB_URI: uri, ROTATION_EXEC: exec });
  await until('calls are under way', STARTS_MAX_MS, () =>
    processesWith(mark).some((pid) => childrenOf(pid, 'sleep').length > 0),
  );
  command.kill('SIGINT');
  expect(await command.ended()).toMatchObject({ code: 130, stderr: '' });
  await expect.poll(() => processesWith(mark), { timeout: ENDS_MAX_MS }).toEqual([]);
});

describe('the command that shows a row again', () => {
  test.each(['python3 rotate.py', `sh -c 'echo "$HOME" \\ '`])('means the same to a shell: %s', (exec) => {
    const trial = planOne({ exec, scenario: 'same-key' });
    const words = execFileSync('sh', ['-c', `printf '%s\\0' ${flowOptions(trial)}`], { encoding: 'utf8' });
    expect(words.split('\0')).toEqual(['--exec', exec, '']);
  });
});

test('without a scenario: those that say something about any flow, and each must be valid', () => {
  const textOf = ({ scenario, expected }: Pick<Trial, 'scenario' | 'expected'>): string => `${scenario} ${expected}`;
  const storms = planStorms(rotationSystem, { exec: 'true', seed: 1 }).map(textOf);
  const pairs = planExplorations(rotationSystem, { exec: 'true' }).map(textOf);
  expect(storms).toEqual(['same-key valid', 'many-keys valid', 'scarce valid', 'chain valid']);
  expect(pairs).toEqual(['same-key valid', 'many-keys valid', 'scarce valid', 'chain valid']);
});

describe('a command that is no such program', () => {
  test('is told before anything is explored', async () => {
    const opening = openGatedScenario(
      rotationSystem,
      uri,
      planOne({ exec: 'echo hello', scenario: 'same-key', callers: 2 }),
    );
    await expect(opening).rejects.toThrow(ProgramError);
    await expect(opening).rejects.toThrow("line 1 of the program's output is not JSON: hello");
  });

  test('ends pnpm stress with 64 and one line', async () => {
    using store = createStore<StoredResult>();
    const argv = ['--exec', 'no-such-program', '--callers', '3', '--store', store.path];
    await using command = stress.start(argv, { MONGODB_URI: uri });
    const { code, stderr } = await command.ended();
    expect(code).toBe(64);
    expect(stderr).toMatch(/^--exec: the program ended with exit code 127 before it answered call 1; .*not found\n$/);
  });
});
