import { lstatSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { startReplicaSet } from 'mongo-test-replica-set';
import { MongoClient } from 'mongodb';
import type { Row, StoredResult } from 'mongo-harness/testing';
import { createStore, isAlive, until, type Ended } from 'test-kit';
import { afterAll, describe, test, vi } from 'vitest';
import { existing, hasBegun, stormDatabases } from './support/storm-databases.ts';
import { stress, workersOf } from './support/stress-command.ts';

/*
 * The real command in a process of its own, on a set of three members. Most of the time is waiting, so the tests run side
 * by side.
 */
const set = await startReplicaSet();
const { uri } = set;
const environment = { MONGODB_URI: uri };
const client = new MongoClient(uri);
afterAll(async () => {
  await client.close();
  await set.stop();
});

const oneRow = (flow: string): string[] =>
  `--scenario same-key --flow ${flow} --deployment keypool --processes 1`.split(' ');
/** A mutant that inserts a key beside the transaction; without a backup there is none to insert. */
const harmless = '--scenario poisoned-backup --flow swallowed-duplicate --deployment keypool --backups 0'.split(' ');
/** What a storm's made-up apiKeys look like; none may be seen outside the database. */
const API_KEY = /key of [kb]\d/;
const ANSI = '\u001B[';
const WORKERS_END_MS = 5_000;
const STORM_BEGINS_MS = 80_000;
vi.setConfig({ testTimeout: 120_000 });

describe.concurrent('what comes out', () => {
  test('the reference passes: 0, a table, the result in the store and under latest', async ({ expect }) => {
    using store = createStore<StoredResult>();
    const { code, stdout, stderr } = await run([...oneRow('reference'), '--callers', '20', '--store', store.path]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^MongoDB \S+ from uri, \d members, data on external; seed \d+\n/);
    expect(stdout).toMatch(
      /same-key +reference +keypool +1 +20 +19 already-rotated \S+, 1 rotated \S+ +1 +0 +\d+ +valid/,
    );
    expect(stdout).toContain('1 passed, 0 failed\n');
    expect(stdout).not.toContain(ANSI);

    const latest = join(store.path, 'latest');
    expect(lstatSync(latest).isSymbolicLink()).toBe(true);
    const { startedAt, rows, exitCode } = store.result();
    expect(readlinkSync(latest)).toBe(startedAt.replaceAll(':', '-'));
    expect(exitCode).toBe(0);
    expect(rows).toMatchObject([
      {
        trial: { flow: 'reference', expected: 'valid' },
        callers: 20,
        verdict: 'valid',
        storm: { columns: { used: 1, wasted: 0 } },
      },
    ]);
    expect(rows[0]?.storm?.statesBetween).toBeGreaterThan(0);
  });

  test('--json prints the result and nothing else; one caller proves nothing: 2', async ({ expect }) => {
    using store = createStore<StoredResult>();
    const argv = [...oneRow('reference'), '--callers', '1', '--seed', '7', '--json', '--store', store.path];
    const { code, stdout, stderr } = await run(argv);
    expect({ code, stderr }).toEqual({ code: 2, stderr: '' });
    expect(JSON.parse(stdout)).toEqual(store.result());
    expect(store.result()).toMatchObject({
      version: 2,
      seed: 7,
      server: { provider: 'uri' },
      exitCode: 2,
      rows: [{ trial: { expected: 'valid' }, verdict: 'unknown', reason: 'nothing raced', violations: [] }],
    });
  });

  test('a mutant is caught: violated, as it must be, and 0', async ({ expect }) => {
    using store = createStore<StoredResult>();
    const { code, stdout, stderr } = await run([...oneRow('checked-claim'), '--callers', '20', '--store', store.path]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('violated at the end, as it must be');
    expect(stdout).toMatch(
      /Mutants, caught as they must be:\n {2}checked-claim: I1 .*: k1 took \d+ backups instead of one/,
    );
    const { used = 0, wasted = 0 } = store.result().rows[0]?.storm?.columns ?? {};
    // One serves; none, when the bindings were taken by one caller and the key deleted by another.
    expect([used - 1, used]).toContain(wasted);
    expect(wasted).toBeGreaterThan(0);
    expect(store.latest() + stdout).not.toMatch(API_KEY);
  });

  test('a mutant made harmless is a failed run: 1, and how to run it again', async ({ expect }) => {
    using store = createStore<StoredResult>();
    const size = ['--callers', '5', '--seed', '3'];
    const { code, stdout, stderr } = await run([...harmless, ...size, '--store', store.path]);
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
    expect(stdout).toContain('valid at the end - must be violated');
    expect(stdout).toContain('swallowed-duplicate on keypool, poisoned-backup: valid, and must be violated');
    expect(stdout).toContain(
      `again: node stress/src/main.ts ${harmless.slice(0, 6).join(' ')} --processes 1 --callers 5 --backups 0 --seed 3\n`,
    );
    expect(stdout).toContain('0 passed, 1 failed');
    expect(store.result()).toMatchObject({
      exitCode: 1,
      rows: [{ verdict: 'valid', trial: { expected: 'violated' } }],
    });
  });

  test('no apiKey gets out, not with the answers of a damaged pool either', async ({ expect }) => {
    using store = createStore<StoredResult>();
    const argv = ['--scenario', 'poisoned-backup', '--flow', 'reference', '--callers', '12', '--store', store.path];
    const { code, stdout, stderr } = await run(argv);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(store.result().rows[0]?.storm?.answers['no-backup']?.count).toBe(3);
    expect(store.latest() + stdout).not.toMatch(API_KEY);
  });

  test('a mutant with nobody to race is neither caught nor cleared: 2', async ({ expect }) => {
    using store = createStore<StoredResult>();
    const { code, stdout, stderr } = await run([...harmless, '--callers', '1', '--store', store.path]);
    expect({ code, stderr }).toEqual({ code: 2, stderr: '' });
    expect(stdout).toContain('unknown (nothing raced)');
    expect(stdout).toContain(
      'swallowed-duplicate on keypool, poisoned-backup: unknown, and must be violated\n  nothing raced\n',
    );
    expect(stdout).toContain('0 passed, 0 failed, 1 unknown');
  });
});

describe.concurrent('without MongoDB', () => {
  test('a MONGODB_URI that nobody answers: 69', async ({ expect }) => {
    using store = createStore<StoredResult>();
    const { code, stdout, stderr } = await run(['--store', store.path], {
      MONGODB_URI: 'mongodb://127.0.0.1:1/?replicaSet=none',
    });
    expect({ code, stdout }).toEqual({ code: 69, stdout: '' });
    expect(stderr).toMatch(/^MONGODB_URI cannot be used: .*ECONNREFUSED.*\n$/);
  });

  test('no provider that works: 69, and why each was passed over', async ({ expect }) => {
    using store = createStore<StoredResult>();
    const { code, stdout, stderr } = await run(['--provider', 'docker', '--json', '--store', store.path], {
      DOCKER_HOST: 'tcp://127.0.0.1:1',
    });
    expect({ code, stdout }).toEqual({ code: 69, stdout: '' });
    expect(stderr).toContain('No MongoDB could be had:\n  docker: no Docker daemon answers at tcp://127.0.0.1:1\n');
    expect(stderr).toContain('Set MONGODB_URI to a replica set');
  });
});

describe.concurrent('what ends early', () => {
  test('the limit of time, while MongoDB is still waited for: 2', async ({ expect }) => {
    using store = createStore<StoredResult>();
    const { code, stdout, stderr } = await run(['--max-duration', '1', '--store', store.path], {
      MONGODB_URI: 'mongodb://127.0.0.1:1/?replicaSet=none',
    });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('The start was aborted');
  });

  const twoRows = '--scenario many-keys --deployment keypool --processes 4 --keys 300'.split(' ');
  /** Each rotation takes 50 ms at least, one after the other. */
  const slow = '--scenario many-keys --flow lock-by-find --deployment keypool --keys 400 --max-concurrency 1'.split(
    ' ',
  );

  test('the limit of time: 2, and the database is gone', async ({ expect }) => {
    using store = createStore<StoredResult>();
    const argv = [...slow, '--processes', '1', '--backups', '809', '--max-duration', '8', '--store', store.path];
    await using command = stress.start(argv, environment);
    const seen = new Set<string>();
    // A machine that is too slow for it to begin within the limit must come to the same end.
    await until('the storm has begun', STORM_BEGINS_MS, async () => {
      for (const { databaseName } of await stormDatabases(client, 809)) seen.add(databaseName);
      return seen.size > 0 || !command.isRunning();
    });
    const { code, stdout, stderr } = await command.ended();
    expect({ code, stderr }).toEqual({ code: 2, stderr: '' });
    expect(stdout).toContain('unknown (did not end in time)');
    expect(store.result()).toMatchObject({
      exitCode: 2,
      rows: [{ verdict: 'unknown', reason: 'did not end in time' }],
    });
    expect(await existing(client, seen)).toEqual([]);
  });

  test('Ctrl-C in the middle of the second row: 130, the rows so far, no process and no database left', async ({
    expect,
  }) => {
    using store = createStore<StoredResult>();
    await using command = stress.start([...twoRows, '--backups', '811', '--store', store.path], environment);
    const seen = new Set<string>();
    await until('the second row has begun', STORM_BEGINS_MS, async () => {
      const [db] = await stormDatabases(client, 811);
      if (db !== undefined) seen.add(db.databaseName);
      return db !== undefined && seen.size === 2 && (await hasBegun(db));
    });
    const workers = workersOf(command.pid);
    expect(workers).toHaveLength(4);
    command.kill('SIGINT');
    const { code, stdout, stderr } = await command.ended();
    expect({ code, stderr }).toEqual({ code: 130, stderr: '' });
    expect(workers.filter(isAlive)).toEqual([]);
    expect(await existing(client, seen)).toEqual([]);

    const { exitCode, rows } = store.result();
    expect(exitCode).toBe(130);
    expect(rows.map(summary)).toEqual(['reference valid', 'reference-bare unknown interrupted']);
    expect(stdout).toContain('1 passed, 0 failed, 1 unknown');
    // What was seen until then is kept, and says nothing of the flow.
    const checked = await stress.run(['check', join(store.path, 'latest', rows[1]?.history ?? '')]);
    expect(checked).toMatchObject({ code: 2, stderr: '' });
    expect(checked.stdout).toMatch(/^reference-bare on keypool, many-keys, \d+ calls: unknown \(interrupted\)\n$/);
  });

  test('kill -9: the workers end at once', async ({ expect }) => {
    using store = createStore<StoredResult>();
    await using command = stress.start(
      [...slow, '--processes', '4', '--backups', '823', '--store', store.path],
      environment,
    );
    await until('the storm has begun', STORM_BEGINS_MS, async () => {
      const [db] = await stormDatabases(client, 823);
      return db !== undefined && (await hasBegun(db));
    });
    const workers = workersOf(command.pid);
    expect(workers).toHaveLength(4);
    command.kill('SIGKILL');
    await command.ended();
    await until('the workers ended', WORKERS_END_MS, () => !workers.some(isAlive));
    // Nobody was left to drop it. What its apiKeys look like is what the other tests look for.
    for (const db of await stormDatabases(client, 823)) {
      expect((await db.collection('backup_keys').findOne({}))?.['apiKey']).toMatch(API_KEY);
      await db.dropDatabase();
    }
  });
});

const run = (argv: readonly string[], variables: NodeJS.ProcessEnv = environment): Promise<Ended> =>
  stress.run(argv, variables);

const summary = ({ trial, verdict, reason }: Row): string =>
  [trial.flow, verdict, ...(reason === undefined ? [] : [reason])].join(' ');
