import { readFileSync, rmSync } from 'node:fs';
import { access, constants, mkdir, readdir, rm, statfs } from 'node:fs/promises';
import { platform, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createOwnerMark, isOwnerGone, parseOwnerMark } from './owner.ts';
import type { Storage } from './replica-set.ts';

const prefix = 'mongo-replica-set-';
const sharedMemory = '/dev/shm';
/** A three-member set starts at 50 MB; a long storm may write some hundred more. */
const sharedMemoryNeededBytes = 1024 ** 3;
/** linux/magic.h, TMPFS_MAGIC. */
const tmpfsMagic = 0x01021994;
/** A mongod that has just been killed may still be creating a file: try again on ENOTEMPTY. */
const removal = { recursive: true, force: true, maxRetries: 10, retryDelay: 20 } as const;

/** A folder that belongs to this process and holds one sub-folder per member. */
export interface DataFolder {
  readonly path: string;
  readonly storage: Storage;
  remove(): Promise<void>;
  /** For exit handlers. */
  removeSync(): void;
}

/**
 * Creates a data folder in shared memory when that has 1 GiB to spare, else in the folder for temporary files, after
 * removing the folders of processes that have ended (a SIGKILL leaves no time to clean up).
 */
export async function createDataFolder(): Promise<DataFolder> {
  const parents = platform() === 'linux' ? [sharedMemory, tmpdir()] : [tmpdir()];
  await Promise.all(parents.map(removeAbandoned));
  const parent = platform() === 'linux' && (await hasRoom(sharedMemory)) ? sharedMemory : tmpdir();
  const path = join(parent, prefix + createOwnerMark());
  await mkdir(path, { mode: 0o700 });
  const { type } = await statfs(path);
  return {
    path,
    storage: type === tmpfsMagic ? 'tmpfs' : 'disk',
    remove: () => rm(path, removal),
    removeSync: () => rmSync(path, removal),
  };
}

async function hasRoom(folder: string): Promise<boolean> {
  try {
    await access(folder, constants.W_OK | constants.X_OK);
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize >= sharedMemoryNeededBytes;
  } catch {
    return false;
  }
}

async function removeAbandoned(parent: string): Promise<void> {
  const names = await readdir(parent).catch((): string[] => []);
  for (const name of names) {
    if (!name.startsWith(prefix)) continue;
    const owner = parseOwnerMark(name.slice(prefix.length));
    if (owner === undefined || !isOwnerGone(owner)) continue;
    const path = join(parent, name);
    await killSurvivors(path);
    // Two starts may sweep at once; whoever comes second finds nothing, or leaves it to the next start.
    await rm(path, removal).catch(() => undefined);
  }
}

/** A SIGKILLed process is gone in milliseconds, on a crowded machine in seconds. */
const goneWithinMs = 5_000;
const gonePollMs = 20;

/** A mongod may outlive its owner for some seconds. Its lock file holds its pid, its command line says it is the one. */
async function killSurvivors(path: string): Promise<void> {
  const members = await readdir(path).catch((): string[] => []);
  for (const member of members) {
    try {
      const pid = Number.parseInt(readFileSync(join(path, member, 'mongod.lock'), 'utf8'), 10);
      if (!runsOn(path, pid)) continue;
      process.kill(pid, 'SIGKILL');
      // Until it is gone it may still write to the folder that is about to be removed.
      for (let waitedMs = 0; waitedMs < goneWithinMs && runsOn(path, pid); waitedMs += gonePollMs)
        await delay(gonePollMs);
    } catch {
      // No lock file, no such process, no /proc: nothing to kill.
    }
  }
}

const runsOn = (path: string, pid: number): boolean => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(path);
