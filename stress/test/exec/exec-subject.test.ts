import { fileURLToPath } from 'node:url';
import { formatRun } from 'mongo-interleave';
import { describe, expect, inject, test, vi } from 'vitest';
import { exploreRace, violationsOf } from '../../src/explore/explore-race.ts';
import { openRace } from '../../src/explore/open-race.ts';
import { planOne } from '../../src/explore/plan-explorations.ts';
import { ProgramError } from '../../src/subjects/exec/program-error.ts';
import { startStress } from '../support/stress-command.ts';
import { createStore } from '../support/store-folder.ts';

const uri = inject('mongodbUri');
vi.setConfig({ testTimeout: 120_000 });
const program = fileURLToPath(new URL('../support/foreign-flow.ts', import.meta.url));
const commandOf = (...argv: string[]): string => [process.execPath, program, ...argv].join(' ');
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
