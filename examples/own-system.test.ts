import { join } from 'node:path';
import type { DetectionRow, Row, StoredResult } from 'mongo-harness/testing';
import { CommandLine, createStore, oneMemberSet, preparePython, type Ended } from 'test-kit';
import { describe, expect, test, vi } from 'vitest';

/* A system that is no rotation, through the same commands: it is told right and wrong, and each rightly. */

const environment = { MONGODB_URI: oneMemberSet().uri };
const NO_MONGODB = { MONGODB_URI: 'mongodb://127.0.0.1:1/?replicaSet=none' };
vi.setConfig({ testTimeout: 120_000 });

const ownSystem = new CommandLine('examples/own-system/main.ts', 'JOBS_');
const run = (line: string, variables: NodeJS.ProcessEnv = environment): Promise<Ended> =>
  ownSystem.run(line.split(' '), variables);

const summary = ({ trial, verdict, storm }: Row): string =>
  `${storm === undefined ? 'explored' : 'storm'} ${trial.scenario} ${trial.flow} ${verdict}`;

describe('a worker in Python', () => {
  test.for([
    ['as in TypeScript', '', 'valid', { rush: 4, 'lease-expires': 12 }, undefined],
    ['the wrong one, too', ' --unfenced', 'violated', { rush: 4, 'lease-expires': 16 }, 'v1:ACBBA'],
  ] as const)('%s', async ([, option, verdict, classes, token], { skip }) => {
    const python = await preparePython('own-system/job_queue.py');
    if (python.kind === 'missing') return skip(python.reason);
    using store = createStore<StoredResult>();
    const argv = ['explore', '--exec', python.command + option, '--store', store.path];
    const { stderr } = await ownSystem.run(argv, environment);
    expect(stderr).toBe('');
    const { rows } = store.result();
    expect(Object.fromEntries(rows.map(({ trial, exploration }) => [trial.scenario, exploration?.classes]))).toEqual(
      classes,
    );
    const [, expires] = rows;
    expect({ verdict: expires?.verdict, token: expires?.exploration?.token }).toEqual({ verdict, token });
  });
});

describe.concurrent('the job queue', () => {
  test('storms, then every interleaving: the right flow is valid, both wrong ones are caught, and check says it again', async () => {
    using store = createStore<StoredResult>();
    const { code, stdout, stderr } = await run(`--store ${store.path}`);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const { system, rows } = store.result();
    expect(system).toBe('jobs');
    expect(rows.map(summary)).toEqual([
      'storm rush fenced valid',
      'storm rush read-then-lease violated',
      'explored rush fenced valid',
      'explored lease-expires fenced valid',
      'explored rush fenced valid',
      'explored rush read-then-lease violated',
      'explored lease-expires unfenced violated',
    ]);
    expect(stdout).toMatch(
      /\nMutants, caught as they must be:\n {2}read-then-lease: J1 \(a job runs once\): j\d+ ran \d+ times/,
    );
    expect(stdout).toContain('7 passed, 0 failed\n');

    const violated = rows.filter(({ verdict }) => verdict === 'violated');
    for (const { history = '', violations, trial } of violated) {
      const checked = await run(`check ${join(store.path, 'latest', history)}`, NO_MONGODB);
      expect({ code: checked.code, stderr: checked.stderr }).toEqual({ code: 1, stderr: '' });
      const [head = '', ...lines] = checked.stdout.trimEnd().split('\n');
      expect(head).toMatch(new RegExp(`^${trial.flow} on jobs, ${trial.scenario}, \\d+ calls.*: violated$`));
      expect(lines).toEqual(violations.map(({ sentence }) => `J1 (a job runs once): ${sentence}`));
    }
  });

  test('explore: the right flow while a lease expires, each class', async () => {
    using store = createStore<StoredResult>();
    const { code, stdout } = await run(`explore --flow fenced --scenario lease-expires --store ${store.path}`);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /\nlease-expires, fenced on jobs, 3 clients, 2 callers, 12 of 12 classes, .*, complete: valid\n/,
    );
  });

  test('explore and replay: the wrong flow, its schedule, and the same schedule again', async () => {
    using store = createStore<StoredResult>();
    const { code, stdout } = await run(`explore --flow unfenced --store ${store.path}`);
    expect(code).toBe(0);
    const [row] = store.result().rows;
    const token = row?.exploration?.token ?? '';
    expect(row?.reproduce).toBe(
      `node examples/own-system/main.ts replay ${token} --flow unfenced --scenario lease-expires --deployment jobs --callers 2`,
    );
    expect(stdout).toContain(`  again: ${row?.reproduce}\n`);

    const replayed = await run((row?.reproduce ?? '').replace('node examples/own-system/main.ts ', ''));
    expect({ code: replayed.code, stderr: replayed.stderr }).toEqual({ code: 1, stderr: '' });
    expect(replayed.stdout).toContain(`${token} violated: J1: j1 ran 2 times\n`);
    expect(replayed.stdout).toContain('returned "caller 0: work ran j1"');
    expect(replayed.stdout).toMatch(/\nJ1 \(a job runs once\): j1 ran 2 times\n$/);
  });

  test('replay of a schedule that breaks nothing', async () => {
    const { code, stdout } = await run('replay v1:AAAB --flow read-then-lease');
    expect(code).toBe(0);
    expect(stdout).toContain('v1:AAAB valid\n');
  });

  test('catalogue: each mutant is caught by every interleaving', async () => {
    const { code, stdout, stderr } = await run('catalogue --tries 1 --json');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const { flows } = JSON.parse(stdout) as { readonly flows: readonly DetectionRow[] };
    expect(flows.map(({ flow }) => flow)).toEqual(['read-then-lease', 'unfenced']);
    for (const { by } of flows) expect(by.exhaustive?.runs).toBeGreaterThan(0);
    // Expiring is an operator's, which storms do not have.
    expect(flows.map(({ by }) => by.storm === undefined)).toEqual([false, true]);
  });
});
