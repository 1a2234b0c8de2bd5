import { readFileSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Member } from 'mongo-test-replica-set';
import { MongoClient } from 'mongodb';

const POLL_MS = 20;

/** Pids of the mongods whose data folder belongs to the process `owner`. */
export function mongodsOf(owner: number): number[] {
  return processesWith(`mongo-test-replica-set-${owner}-`);
}

/** The pid of a member, as the member says. */
export async function pidOf({ host, port }: Member): Promise<number> {
  await using direct = new MongoClient(`mongodb://${host}:${port}/?directConnection=true`);
  return Number((await direct.db('admin').command({ serverStatus: 1 }))['pid']);
}

/** Pids of the processes by which mongodb-memory-server ends mongods whose parent, here `owner`, has died. */
export function killersOf(owner: number): number[] {
  return processesWith(`mongo_killer.js\0${owner}\0`);
}

/** Pids of the processes with this text in their command line, in which NUL stands between arguments. */
export function processesWith(text: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => commandLineOf(pid).includes(text))
    .map(Number);
}

function commandLineOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

/** Data folders of the process `owner`. */
export function foldersOf(owner: number): string[] {
  return ['/dev/shm', tmpdir()].flatMap((parent) =>
    readdirSync(parent)
      .filter((name) => name.startsWith(`mongo-test-replica-set-${owner}-`))
      .map((name) => join(parent, name)),
  );
}

/** Polls until `condition` holds; fails after `maxWaitMs`. */
export async function until(
  what: string,
  maxWaitMs: number,
  condition: () => boolean | Promise<boolean>,
): Promise<void> {
  const deadlineMs = performance.now() + maxWaitMs;
  while (!(await condition())) {
    if (performance.now() > deadlineMs) throw new Error(`Not within ${maxWaitMs} ms: ${what}`);
    await delay(POLL_MS);
  }
}
