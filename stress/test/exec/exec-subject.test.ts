import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { formatRun } from 'mongo-interleave';
import { describe, expect, inject, test, vi } from 'vitest';
import { exploreRace, violationsOf } from '../../src/explore/explore-race.ts';
import { openRace } from '../../src/explore/open-race.ts';
import { planExplorations, planOne } from '../../src/explore/plan-explorations.ts';
import { planRuns } from '../../src/profile.ts';
import { ProgramError } from '../../src/subjects/exec/program-error.ts';
import { childrenOf, processesWith, startStress, until } from '../support/stress-command.ts';
import { subjectOptions } from '../../src/subjects/index.ts';
import { createStore } from '../support/store-folder.ts';

const uri = inject('mongodbUri');
vi.setConfig({ testTimeout: 120_000 });
const program = fileURLToPath(new URL('../support/foreign-flow.ts', import.meta.url));
const commandOf = (...argv: string[]): string => [process.execPath, program, ...argv].join(' ');
const STARTS_MAX_MS = 80_000;
const ENDS_MAX_MS = 10_000;
const limits = { violationLimit: Infinity, signal: AbortSignal.timeout(100_000) };

describe('a flow outside is explored as it is inside', () => {
  test.each(['reference-bare', 'checked-claim'])('%s: the same classes, the same verdict', async (subject) => {
    const choice = { scenario: 'same-key', callers: 2 };
    const outside = await exploreRace(uri, planOne({ ...choice, exec: commandOf(subject) }), limits);
    const inside = await exploreRace(uri, planOne({ ...choice, subject }), limits);
    expect(outside).toMatchObject({ subject: 'exec', expected: 'valid', verdict: inside.verdict });
    // A program does not say who claimed what, so the texts of the traces differ.
    const { classes, cut, runs, complete, token } = inside.exploration ?? {};
    expect(outside.exploration).toMatchObject({
      classes,
      cut,
      runs,
      complete,
      ...(token === undefined ? {} : { token }),
    });
  });

  test('what it answers is placed in the order of the steps', async () => {
    const exec = commandOf('checked-claim', '--hasty');
    await using race = await openRace(uri, planOne({ exec, scenario: 'two-keys-one-backup', callers: 2 }));
    const result = await race.interleaving.run(`v1:A${'B'.repeat(7)}`);
    expect(formatRun(result)).toContain('A returned "caller 0: k1 no-backup"');
    // The stock came to its end only after that.
    expect(violationsOf(result).map(({ promise }) => promise)).toEqual(['I7']);
  });
});

test('Ctrl-C in the middle of calls that hang: 130, and no program is left', async () => {
  using store = createStore();
  const mark = `hangs-${process.pid}`;
  const answered = '{"id":1,"outcome":"not-found"}';
  const exec = `: ${mark}; while read -r line; do case $line in *rehearsal*) echo '${answered}';; *) sleep 1000;; esac; done`;
  const argv = ['--scenario', 'same-key', '--callers', '4', '--store', store.path];
  await using command = startStress(argv, { MONGODB_URI: uri, ROTATION_EXEC: exec });
  await until('calls are under way', STARTS_MAX_MS, () =>
    processesWith(mark).some((pid) => childrenOf(pid, 'sleep').length > 0),
  );
  command.kill('SIGINT');
  expect(await command.ended()).toMatchObject({ code: 130, stderr: '' });
  await expect.poll(() => processesWith(mark), { timeout: ENDS_MAX_MS }).toEqual([]);
});

describe('the command that shows a row again', () => {
  test.each(['python3 rotate.py', `sh -c 'echo "$HOME" \\ '`])('means the same to a shell: %s', (exec) => {
    const row = planOne({ exec, scenario: 'same-key' });
    const words = execFileSync('sh', ['-c', `printf '%s\\0' ${subjectOptions(row.subject)}`], { encoding: 'utf8' });
    expect(words.split('\0')).toEqual(['--exec', exec, '']);
  });
});

test('without a scenario: those that say something about any flow, and each must be valid', () => {
  const storms = planRuns({ exec: 'true' }).map(({ scenario, expected }) => `${scenario.name} ${expected}`);
  const pairs = planExplorations({ exec: 'true' }).map(({ scenario, expected }) => `${scenario.name} ${expected}`);
  expect(storms).toEqual(['same-key valid', 'many-keys valid', 'scarce valid', 'chain valid']);
  expect(pairs).toEqual(['same-key valid', 'two-keys valid', 'two-keys-one-backup valid', 'chain valid']);
});

describe('a command that is no such program', () => {
  test('is told before anything is explored', async () => {
    const opening = openRace(uri, planOne({ exec: 'echo hello', scenario: 'same-key', callers: 2 }));
    await expect(opening).rejects.toThrow(ProgramError);
    await expect(opening).rejects.toThrow("line 1 of the program's output is not JSON: hello");
  });

  test('ends pnpm stress with 64 and one line', async () => {
    using store = createStore();
    const argv = ['--exec', 'no-such-program', '--callers', '3', '--store', store.path];
    await using command = startStress(argv, { MONGODB_URI: uri });
    const { code, stderr } = await command.ended();
    expect(code).toBe(64);
    expect(stderr).toMatch(/^--exec: the program ended with exit code 127 before it answered call 1; .*not found\n$/);
  });
});
