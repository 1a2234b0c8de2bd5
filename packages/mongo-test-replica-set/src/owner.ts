import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { platform } from 'node:os';

/** For `ps`, on systems without /proc. */
const MAX_PS_MS = 2_000;

/**
 * The process that a folder or a container belongs to. The pid alone does not identify a process: a later process with
 * the same pid would keep an abandoned folder for ever, and the folder of a process in another pid namespace would look
 * abandoned while that process runs.
 */
export interface Owner {
  readonly pid: number;
  /** Clock ticks since boot on Linux, seconds since 1970 elsewhere, 0 on Windows, where it is unknown. */
  readonly startTime: number;
  /** Inode of the pid namespace on Linux, 0 elsewhere. */
  readonly namespace: number;
}

let self: Owner | undefined;

/** Creates an owner mark of this process: `<pid>-<startTime>-<namespace>-<random>`, each with another random tail. */
export function createOwnerMark(): string {
  self ??= { pid: process.pid, startTime: startTimeOf(process.pid) ?? 0, namespace: pidNamespace() };
  return `${self.pid}-${self.startTime}-${self.namespace}-${randomBytes(4).toString('hex')}`;
}

/** Parses an owner mark. Undefined if the text is none: then its owner is unknown and nothing may be removed. */
export function parseOwnerMark(mark: string): Owner | undefined {
  const match = /^(\d+)-(\d+)-(\d+)-[0-9a-f]{8}$/.exec(mark);
  if (match === null) return undefined;
  return { pid: Number(match[1]), startTime: Number(match[2]), namespace: Number(match[3]) };
}

/**
 * True only if the owner has certainly ended: it is of this pid namespace, which has no process of that pid and start
 * time.
 */
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
    // EPERM: the process exists and belongs to another user.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

function startTimeOf(pid: number): number | undefined {
  try {
    if (platform() === 'linux') {
      // Field 22, see proc(5). Counted from the end of field 2: the command's name may hold spaces and brackets.
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      // A zombie has ended and waits for its parent to read its exit status.
      return fields[0] === 'Z' ? -1 : Number(fields[19]);
    }
    if (platform() === 'win32') return undefined;
    const started = execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], {
      encoding: 'utf8',
      timeout: MAX_PS_MS,
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
