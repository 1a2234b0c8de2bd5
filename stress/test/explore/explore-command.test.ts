import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { StoredResult } from 'mongo-harness/testing';
import { createStore, type Ended, oneMemberSet } from 'test-kit';
import { describe, expect, test, vi } from 'vitest';
import { stress } from '../support/stress-command.ts';

const environment = { MONGODB_URI: oneMemberSet().uri };
vi.setConfig({ testTimeout: 120_000 });

const run = (line: string, variables: NodeJS.ProcessEnv = environment): Promise<Ended> =>
  stress.run(line.split(' '), variables);

describe.concurrent('explore', () => {
  test('a mutant: a line, the invariant, the steps, the command that replays it; all in the store', async () => {
    using store = createStore<StoredResult>();
    const { code, stdout, stderr } = await run(`explore --flow checked-claim --max-violations 1 --store ${store.path}`);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(
      /same-key, checked-claim on keypool, 2 clients, 2 callers, 2 classes, 0 redundant, 2 runs, \S+ s, v1:AAAABBBBBBA: violated at the end, as it must be\n {2}I1 \(no backup claimed twice\): k1 took 2 backups/,
    );
    expect(stdout).toMatch(
      /\n {4}6 {60,}findAndModify backup_keys \{ isUsed: false \}\n {60,}\$set .*\n {60,}-> before \{ _id: "b2", isUsed: false \}\n/,
    );
    const again =
      'node stress/src/main.ts replay v1:AAAABBBBBBA --flow checked-claim --scenario same-key --deployment keypool --callers 2';
    expect(stdout).toContain(`  again: ${again}\n`);
    expect(stdout).toContain('1 passed, 0 failed\n');
    expect(store.result()).toMatchObject({
      exitCode: 0,
      rows: [
        {
          trial: { expected: 'violated' },
          verdict: 'violated',
          reproduce: again,
          exploration: { token: 'v1:AAAABBBBBBA' },
        },
      ],
    });
  });

  test('the reference: complete, and 0', async () => {
    using store = createStore<StoredResult>();
    const { code, stdout } = await run(`explore --flow reference-bare --scenario many-keys --store ${store.path}`);
    expect(code).toBe(0);
    expect(stdout).toMatch(/, 6 of 6 classes, 2 redundant, 8 runs, \S+ s, complete: valid\n/);
  });

  test('kill -9: the token of the schedule being run is in the store; after a whole run it is not', async () => {
    using store = createStore<StoredResult>();
    const tokens = (): string[] => readdirSync(store.path).filter((name) => name.endsWith('.token'));
    const argv = ['explore', '--flow', 'reference-bare', '--store', store.path];
    await using command = stress.start([...argv, '--callers', '7'], environment);
    const isWritten = (name: string): boolean => readFileSync(join(store.path, name), 'utf8') !== '';
    await vi.waitUntil(() => tokens().some(isWritten), { timeout: 60_000, interval: 20 });
    command.kill('SIGKILL');
    await command.ended();
    expect(tokens()).toEqual([`current-schedule-same-key-reference-bare-keypool-7-${command.pid}.token`]);
    expect(readFileSync(join(store.path, tokens()[0] ?? ''), 'utf8')).toMatch(/^v1:[A-G]+\n/);
    rmSync(join(store.path, tokens()[0] ?? ''));
    expect((await run([...argv, '--scenario', 'many-keys'].join(' '))).code).toBe(0);
    expect(tokens()).toEqual([]);
  });

  test('a flow without an operator in a scenario that needs one: 64', async () => {
    const { code, stdout, stderr } = await run('explore --flow naive --scenario restore');
    expect({ code, stdout, stderr }).toEqual({
      code: 64,
      stdout: '',
      stderr: 'error: The flow naive has no calls for the operator of the scenario restore.\n',
    });
  });
});

// Alone, for the limit must not come before the exploration has begun.
test('the limit of time: 2, and how far it came', async () => {
  using store = createStore<StoredResult>();
  const line = 'explore --flow reference-bare --callers 7 --max-duration 5 --json';
  const { code } = await run(`${line} --store ${store.path}`);
  expect(code).toBe(2);
  expect(store.result()).toMatchObject({
    rows: [{ verdict: 'unknown', reason: 'did not end in time', exploration: { complete: false } }],
  });
});

test('without a command: storms, and then what is explored of the same flow, in one table, on sets of its own', async () => {
  using store = createStore<StoredResult>();
  // Both sets are the command's own, so that one which ends too early would show.
  const { code, stdout, stderr } = await run(`--flow kept-key --members 1 --store ${store.path}`, {});
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/\nlate-callers +kept-key +openhandspool +1 +200 .* violated at the end, as it must be\n/);
  expect(stdout).toMatch(
    /\nsame-key +kept-key +openhandspool +2 +2 +1 class, .*, v1:A+B+ .* violated at the end, as it must be\n/,
  );
  expect(stdout).toMatch(/ {2}kept-key: I1 .*; v1:A+B+\n/);
  expect(stdout).toContain('2 passed, 0 failed\n');
});

describe.concurrent('replay', () => {
  test('prints the steps and what broke, and ends with 1', async () => {
    const { code, stdout } = await run('replay v1:AAAABBBBBBA --flow checked-claim');
    expect(code).toBe(1);
    expect(stdout).toContain('v1:AAAABBBBBBA violated: I1: k1 took 2 backups instead of one');
    expect(stdout).toContain('I2 (no backup wasted): ');
  });

  test('of a schedule that breaks nothing: 0', async () => {
    const { code, stdout } = await run('replay v1:AAAAAAAB --flow checked-claim');
    expect(code).toBe(0);
    expect(stdout).toContain('v1:AAAAAAAB valid\n');
  });

  test('of one that the flow does not follow: 2, and why, in one line', async () => {
    const { code, stderr } = await run('replay v1:AAAAAAABB --flow checked-claim');
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr:
        'This flow no longer goes that way: The run was over after 8 steps, but the schedule v1:AAAAAAABB has 9. Has the flow or reset changed since, or is it the token of another scenario? Then explore again.\n',
    });
  });

  test('of no token: 64', async () => {
    const { code, stderr } = await run('replay ABBA --flow checked-claim');
    expect(code).toBe(64);
    expect(stderr).toMatch(/^error: "ABBA" is not a token\. A token looks like v1:ABBA.*\n$/);
  });
});

describe.concurrent('help and typos', () => {
  test.each(['explore', 'replay'])('%s --help shows examples and exit codes', async (command) => {
    const { code, stdout, stderr } = await run(`${command} --help`);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain(`Examples:\n  $ node stress/src/main.ts ${command} `);
    expect(stdout).toContain('scarce: more keys fail than there are backups');
    expect(stdout).toMatch(/Exit codes: 0 .*64 usage, 69 no MongoDB, 70 internal error, 130 interrupted/s);
  });

  test.each([
    ['explore --scenario same-kye', 'Did you mean same-key?'],
    ['explore --faults crash,rest', 'Did you mean reset?'],
    ['explore --calers 3', '(Did you mean --callers?)'],
    ['replay v1:A --flow naiv', 'Did you mean naive?'],
    ['replay', "missing required argument 'token'"],
  ])('%s', async (line, text) => {
    const { code, stdout, stderr } = await run(line);
    expect({ code, stdout }).toEqual({ code: 64, stdout: '' });
    expect(stderr).toContain(text);
  });
});
