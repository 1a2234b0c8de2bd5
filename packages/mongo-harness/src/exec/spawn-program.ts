import { spawn, type ChildProcess } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { environmentName } from '../system/environment-name.ts';

/** How long what a program has said may take to be read when it has ended. */
const MAX_LAST_WORDS_MS = 1_000;

/** Where a program finds its data. */
export interface ProgramPlace {
  /** MONGODB_URI. */
  readonly uri: string;
  readonly database: string;
  /** The environment variable that holds the database's name. */
  readonly variable: string;
}

/** The variable that names the database of a system: `JOBS_DATABASE` for `jobs`. */
export const databaseVariable = (system: string): string => environmentName(system, 'database');

/** A program with all that it starts, in a process group of its own. */
export interface SpawnedProgram {
  readonly child: ChildProcess;
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Ends the whole group at once. May be called again. */
  readonly killAll: () => void;
}

/**
 * Beside the program a shell waits for the end of descriptor 3, and then kills their process group, itself included. Only this
 * process holds the other end; so however it ends, `kill -9` too, no program is left, and nothing that a program has started.
 */
const guarded = '(read -r _; kill -KILL 0) <&3 3<&- >/dev/null 2>&1 & exec 3<&-; exec sh -c "$1"';

/** Starts a command through the shell. A command that can't be run ends at once, with the shell's word on it on standard error. */
export function spawnProgram(command: string, { uri, database, variable }: ProgramPlace): SpawnedProgram {
  const child = spawn('/bin/sh', ['-c', guarded, 'sh', command], {
    // A group of its own: Ctrl-C is for the harness, which ends its programs.
    detached: true,
    env: { ...process.env, MONGODB_URI: uri, [variable]: database },
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
  });
  const [stdin, stdout, stderr, lifeline] = child.stdio;
  if (stdin === null || stdout === null || stderr === null || lifeline === null || lifeline === undefined)
    throw new TypeError('a program has four pipes');
  // A program that is gone does not read; that it is gone is told by its end.
  for (const pipe of [stdin, lifeline]) pipe.on('error', () => undefined);
  const killAll = (): void => {
    lifeline.destroy();
    // While it runs, its id is the group's, and nobody else's.
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null)
      process.kill(-child.pid, 'SIGKILL');
  };
  child.once('exit', () => {
    killAll();
    // What has left the group may hold them for ever, and 'close' waits for them.
    setTimeout(() => [stdout, stderr].forEach((pipe) => pipe.destroy()), MAX_LAST_WORDS_MS).unref();
  });
  return { child, stdin, stdout, stderr, killAll };
}
