import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const REPOSITORY = join(import.meta.dirname, '../../..');
/** A busy machine may take long to start programs. */
const END_MAX_MS = 100_000;
const POLL_MS = 20;

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A running `pnpm stress`; one that still runs when its test ends is killed. */
export interface StressCommand extends AsyncDisposable {
  readonly pid: number;
  ended(): Promise<Ended>;
  isRunning(): boolean;
  kill(signal: NodeJS.Signals): void;
}

/** Runs the real command, without a terminal, and with no variables of its own but these. */
export function startStress(argv: readonly string[], environment: NodeJS.ProcessEnv = {}): StressCommand {
  const child = spawn(process.execPath, ['--import', 'tsx', 'stress/src/main.ts', ...argv], {
    cwd: REPOSITORY,
    env: { ...foreignVariables(), ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  if (child.pid === undefined) throw new Error('the command did not start');
  const closed = once(child, 'close', { signal: AbortSignal.timeout(END_MAX_MS) });
  closed.catch(() => {}); // told to who waits for it
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  return {
    pid: child.pid,
    isRunning: () => child.exitCode === null && child.signalCode === null,
    kill: (signal) => void child.kill(signal),
    ended: async () => {
      await closed;
      return { code: child.exitCode, signal: child.signalCode, stdout, stderr };
    },
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await closed;
    },
  };
}

/** Pids of the living workers of a command; what tsx starts for itself is none. */
export const workersOf = (parent: number): number[] => childrenOf(parent, 'worker.ts');

/** Pids of the living children that have this in their command lines. */
export const childrenOf = (parent: number, word: string): number[] =>
  processesWith(word).filter((pid) => statusOf(String(pid)).parentPid === parent);

/** Pids of all living processes that have this in their command lines. */
export const processesWith = (word: string): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && commandLineOf(name).includes(word))
    .map(Number);

export const isAlive = (pid: number): boolean => !['', 'Z'].includes(statusOf(String(pid)).state);

/** Polls until the condition holds. @throws after `limitMs` */
export async function until(what: string, limitMs: number, condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + limitMs;
  while (!(await condition())) {
    if (performance.now() > deadlineMs) throw new Error(`Not within ${limitMs} ms: ${what}`);
    await delay(POLL_MS);
  }
}

/** Empty where the process has ended. */
function commandLineOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

/** The name of a process stands in parentheses and may hold anything. */
function statusOf(pid: string): { readonly state: string; readonly parentPid: number } {
  try {
    const [state = '', parentPid = ''] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
    return { state, parentPid: Number(parentPid) };
  } catch {
    return { state: '', parentPid: 0 };
  }
}

const foreignVariables = (): NodeJS.ProcessEnv =>
  Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith('ROTATION_') && name !== 'MONGODB_URI'),
  );
