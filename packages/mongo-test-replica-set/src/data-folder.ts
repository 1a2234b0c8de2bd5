import { readFileSync, rmSync } from 'node:fs';
import { access, constants, mkdir, readdir, rm, statfs } from 'node:fs/promises';
import { platform, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createOwnerMark, isOwnerGone, parseOwnerMark } from './owner.ts';
import type { Storage } from './replica-set.ts';

const FOLDER_PREFIX = 'mongo-test-replica-set-';
const SHARED_MEMORY = '/dev/shm';
/** A set of three members starts with 50 MB; a long stress test writes some hundred MB more. */
const MIN_SHARED_MEMORY_BYTES = 1024 ** 3;
/** `TMPFS_MAGIC` of linux/magic.h. */
const TMPFS_MAGIC = 0x01021994;
/** Retries on ENOTEMPTY: a mongod may create a file between the listing of its folder and the folder's removal. */
const REMOVAL = { recursive: true, force: true, maxRetries: 10, retryDelay: 20 } as const;

/** The data folder of one replica set; belongs to this process and holds a sub-folder for each member. */
export interface DataFolder {
  readonly path: string;
  readonly storage: Storage;
  remove(): Promise<void>;
  /** For exit handlers, which can't wait for a promise. */
  removeSync(): void;
}

/**
 * Creates a data folder in shared memory if 1 GiB is free there, else in the folder for temporary files. First removes
 * the data folders of processes that have ended: a process that was killed with SIGKILL could not remove its own.
 */
export async function createDataFolder(): Promise<DataFolder> {
  const parents = platform() === 'linux' ? [SHARED_MEMORY, tmpdir()] : [tmpdir()];
  await Promise.all(parents.map(removeAbandoned));
  const parent = platform() === 'linux' && (await hasRoom(SHARED_MEMORY)) ? SHARED_MEMORY : tmpdir();
  const path = join(parent, FOLDER_PREFIX + createOwnerMark());
  await mkdir(path, { mode: 0o700 });
  const { type } = await statfs(path);
  return {
    path,
    storage: type === TMPFS_MAGIC ? 'tmpfs' : 'disk',
    remove: () => rm(path, REMOVAL),
    removeSync: () => rmSync(path, REMOVAL),
  };
}

async function hasRoom(folder: string): Promise<boolean> {
  try {
    await access(folder, constants.W_OK | constants.X_OK);
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize >= MIN_SHARED_MEMORY_BYTES;
  } catch {
    return false;
  }
}

async function removeAbandoned(parent: string): Promise<void> {
  const names = await readdir(parent).catch((): string[] => []);
  for (const name of names) {
    if (!name.startsWith(FOLDER_PREFIX)) continue;
    const owner = parseOwnerMark(name.slice(FOLDER_PREFIX.length));
    if (owner === undefined || !isOwnerGone(owner)) continue;
    const path = join(parent, name);
    await killSurvivors(path);
    // Two starts may remove the same folder at once. What fails here is left to the next start.
    await rm(path, REMOVAL).catch(() => undefined);
  }
}

/** A process ends milliseconds after a SIGKILL; on a busy machine it takes seconds. */
const MAX_EXIT_WAIT_MS = 5_000;
const EXIT_POLL_MS = 20;

/**
 * Kills the mongods on an abandoned data folder: they outlive their owner by some seconds. A mongod's lock file holds
 * its pid. The pid may since belong to another process, so the command line must name the folder too.
 */
async function killSurvivors(path: string): Promise<void> {
  const members = await readdir(path).catch((): string[] => []);
  for (const member of members) {
    try {
      const pid = Number.parseInt(readFileSync(join(path, member, 'mongod.lock'), 'utf8'), 10);
      if (!runsOn(path, pid)) continue;
      process.kill(pid, 'SIGKILL');
      // Until the mongod has ended, it may write to the folder that is about to be removed.
      for (let waitedMs = 0; waitedMs < MAX_EXIT_WAIT_MS && runsOn(path, pid); waitedMs += EXIT_POLL_MS)
        await delay(EXIT_POLL_MS);
    } catch {
      // No lock file, no such process, no /proc: nothing to kill.
    }
  }
}

const runsOn = (path: string, pid: number): boolean => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(path);
