import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { platform } from 'node:os';

/** How long `ps` may take where there is no /proc. */
const psTimeoutMs = 2_000;

/**
 * A process as it is written into the names of folders and the labels of containers: pid, start time, pid namespace.
 * The pid alone would do harm twice: a recycled pid keeps rubbish alive for ever, and a process in another
 * container, whose pid means nothing here, would lose its data while it runs.
 */
export interface Owner {
  readonly pid: number;
  /** Clock ticks since boot on Linux, seconds since 1970 elsewhere, 0 where it cannot be known (Windows). */
  readonly startTime: number;
  /** Inode of the pid namespace on Linux, else 0. */
  readonly namespace: number;
}

let self: Owner | undefined;

/** The owner mark of this process, unique by a random tail: `<pid>-<startTime>-<namespace>-<random>`. */
export function createOwnerMark(): string {
  self ??= { pid: process.pid, startTime: startTimeOf(process.pid) ?? 0, namespace: pidNamespace() };
  return `${self.pid}-${self.startTime}-${self.namespace}-${randomBytes(4).toString('hex')}`;
}

/** Reads a mark back; undefined when the text is no mark, and then nobody may judge it. */
export function parseOwnerMark(mark: string): Owner | undefined {
  const match = /^(\d+)-(\d+)-(\d+)-[0-9a-f]{8}$/.exec(mark);
  if (match === null) return undefined;
  return { pid: Number(match[1]), startTime: Number(match[2]), namespace: Number(match[3]) };
}

/** True only when the owner has certainly ended: same namespace, and no process with that pid and start time. */
export function isOwnerGone(owner: Owner): boolean {
  if (owner.namespace !== pidNamespace()) return false;
  if (!isAlive(owner.pid)) return true;
  const startTime = startTimeOf(owner.pid);
  return owner.startTime !== 0 && startTime !== undefined && startTime !== owner.startTime;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it lives and belongs to somebody else.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

function startTimeOf(pid: number): number | undefined {
  try {
    if (platform() === 'linux') {
      // proc(5): field 22; the command name in field 2 may hold spaces and brackets, so count from its end.
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      // A zombie has ended and only waits for its parent to notice.
      return fields[0] === 'Z' ? -1 : Number(fields[19]);
    }
    if (platform() === 'win32') return undefined;
    const started = execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], {
      encoding: 'utf8',
      timeout: psTimeoutMs,
      env: { ...process.env, LC_ALL: 'C' },
    });
    const milliseconds = Date.parse(started);
    return Number.isNaN(milliseconds) ? undefined : milliseconds / 1000;
  } catch {
    return undefined;
  }
}

function pidNamespace(): number {
  try {
    return Number(/\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? 0);
  } catch {
    return 0;
  }
}
