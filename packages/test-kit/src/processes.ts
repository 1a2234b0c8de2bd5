import { readFileSync, readdirSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

const POLL_MS = 20;

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
