import { readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { childrenOf, CommandLine, createStore, isAlive, oneMemberSet, processesWith, until } from 'test-kit';
import { describe, expect, test, vi } from 'vitest';
import type { StoredResult } from '../../src/report/store.ts';

/* Storms with faults as users run them: each command has a set of its own, of one member, which steps down and is elected again. */

vi.setConfig({ testTimeout: 120_000 });
const command = new CommandLine('packages/mongo-harness/test/support/main.ts', 'SLOW_');
const MAX_BEGIN_MS = 60_000;
/** A freeze lasts 9 s at most. */
const MAX_END_MS = 20_000;

const workersOf = (pid: number): number[] => childrenOf(pid, 'worker.ts');
const mongodsOf = (pid: number): number[] => processesWith(`mongo-test-replica-set-${pid}-`);
/** `T`: stopped by a signal. */
const isFrozen = (pid: number): boolean =>
  / T /.test(readFileSync(`/proc/${pid}/stat`, 'utf8').split(')').at(-1) ?? '');

const dataFoldersOf = (pid: number): string[] =>
  ['/dev/shm', tmpdir()].flatMap((parent) =>
    readdirSync(parent).filter((name) => name.startsWith(`mongo-test-replica-set-${pid}-`)),
  );

const storm = (store: { readonly path: string }, line: string): string[] => [
  'slow',
  ...'--flow atomic --scenario one-seat --members 1 --store'.split(' '),
  store.path,
  ...line.split(' '),
];

describe.concurrent('a storm with faults', () => {
  test('goes on in rounds, and says what its faults hit', async () => {
    using store = createStore<StoredResult>();
    const { code, stdout, stderr } = await command.run(
      storm(store, '--for 1ms --fault step-down,kill-caller --every 1ms --seed 5'),
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(
      /\none-seat, atomic on hall: 2 rounds in \d+\.\d\d s, \d+ calls\n {2}2 faults, from begin to begin .*\n {2}step-down: 1 made, 1 hit calls under way \(median \d+; \d+ of all when it began\), /,
    );
    const [row] = store.result().rows;
    expect(row).toMatchObject({
      verdict: 'valid',
      trial: { rounds: { forMs: 1, everyMs: 1, goOn: false } },
      storm: {
        rounds: {
          judged: 2,
          faults: [
            { kind: 'step-down', hit: 1 },
            { kind: 'kill-caller', hit: 1 },
          ],
        },
      },
    });
    // The killed process had calls under way, and another one has made the rest of its calls.
    expect(row?.storm?.answers['crashed']?.count).toBeGreaterThan(0);
    expect(row?.storm?.rounds?.calls).toBeGreaterThanOrEqual(2 * 20);
    // Rounds that were valid leave nothing on the disk.
    expect(store.files()).toEqual([expect.stringMatching(/^[^/]+\/result\.json$/)]);
  });

  test('calls that are answered after their deadline are a violation, also those with a deadline of their own', async () => {
    using store = createStore<StoredResult>();
    const line = storm(store, '--for 1ms --fault tiny-deadline --every 1ms --seed 5');
    const { code, stdout } = await command.run(line.map((word) => (word === 'atomic' ? 'hasty' : word)));
    expect(code).toBe(1);
    expect(stdout).toContain('  in-time each call is answered by its deadline: broken\n');
    expect(stdout).toMatch(
      /\d was answered .* after 3\d\d\d ms, with a deadline of 100 ms and \d+ ms for its busy process: /,
    );
    expect(stdout).toContain('--for 1ms --fault tiny-deadline --every 1ms --seed 5\n');
    const [row] = store.result().rows;
    expect(row?.violations.some(({ sentence }) => /deadline of ([1-9]|[1-4]\d|50) ms/.test(sentence))).toBe(true);
    expect(row?.storm?.rounds).toMatchObject({ deadlineMs: 100, faults: [{ kind: 'tiny-deadline', hit: 1 }] });
  });

  test('Ctrl-C while a caller is frozen: the rounds before it count, and nothing is left', async () => {
    using store = createStore<StoredResult>();
    await using running = command.start(storm(store, '--for 10m --fault step-down,freeze-caller --every 1ms --seed 5'));
    await until('a frozen worker', MAX_BEGIN_MS, () => workersOf(running.pid).some(isFrozen));
    const workers = workersOf(running.pid);
    running.kill('SIGINT');
    const { code, stdout } = await running.ended();
    expect(code).toBe(130);
    // Of a fault that was not made to its end nothing is known.
    expect(stdout).toContain('0 passed, 0 failed, 1 unknown\n');
    const reason = 'interrupted; no freeze-caller was made';
    expect(store.result()).toMatchObject({
      exitCode: 130,
      rows: [
        { verdict: 'unknown', reason, storm: { rounds: { judged: 1, faults: [{ kind: 'step-down', made: 1 }] } } },
      ],
    });
    await until('the workers gone', MAX_END_MS, () => !workers.some(isAlive));
    await until('the members gone', MAX_END_MS, () => mongodsOf(running.pid).length === 0);
  });

  test('kill -9 of the command while a member and a caller are frozen: nothing is left', async () => {
    using store = createStore<StoredResult>();
    await using running = command.start(storm(store, '--for 10m --fault freeze-primary+freeze-caller --seed 5'));
    const { pid } = running;
    await until('a frozen worker', MAX_BEGIN_MS, () => workersOf(pid).some(isFrozen));
    await until('a frozen member', MAX_BEGIN_MS, () => mongodsOf(pid).some(isFrozen));
    const left = [...workersOf(pid), ...mongodsOf(pid), ...childrenOf(pid, '')];
    running.kill('SIGKILL');
    expect(await running.ended()).toMatchObject({ signal: 'SIGKILL' });
    // Its own processes, and those that would have thawed and ended them.
    await until('all of them gone', MAX_END_MS, () => !left.some(isAlive));
    // The next start removes the data, and is like any other.
    expect(await command.run(storm(store, '--fault step-down --for 1ms'))).toMatchObject({ code: 0 });
    expect(dataFoldersOf(pid)).toEqual([]);
  });
});

describe.concurrent('what can not be disturbed', () => {
  test.each([
    ['--every 3s', '--every, --round and --go-on are of storms that go on: give --for or --fault.'],
    ['--round 1m', '--every, --round and --go-on are of storms that go on: give --for or --fault.'],
    [
      '--fault kill-primary+freeze-secondaries',
      "option '--fault <kinds>' argument 'kill-primary+freeze-secondaries' is invalid. These can not begin together. Two can that disturb different things: members, the wire, commands, processes of callers, calls.",
    ],
    ['--fault kill-secondary', 'The fault kill-secondary needs a set of 3 members: --members 3.'],
  ])('%s', async (line, message) => {
    using store = createStore<StoredResult>();
    const { code, stderr } = await command.run(storm(store, line));
    expect({ code, stderr }).toEqual({ code: 64, stderr: `error: ${message}\n` });
  });

  test('a set that is given', async () => {
    using store = createStore<StoredResult>();
    const { code, stderr } = await command.run(storm(store, '--fault step-down'), { MONGODB_URI: oneMemberSet().uri });
    expect({ code, stderr }).toEqual({
      code: 64,
      stderr: 'error: The replica set in MONGODB_URI is never disturbed: unset it for storms with faults.\n',
    });
  });
});
