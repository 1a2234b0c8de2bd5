import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { awaitCalls } from '../../src/storm/await-calls.ts';

beforeAll(() => void vi.useFakeTimers());
afterAll(() => void vi.useRealTimers());

/** Workers of which only the count of their calls is known. */
function callers() {
  const listeners = new Set<() => void>();
  let calls = 0;
  return {
    workers: {
      underWay: () => calls,
      onCall: (listener: () => void) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    },
    set: (count: number) => {
      calls = count;
      for (const listener of listeners) listener();
    },
    listeners,
  };
}

/** @returns whether the moment has come */
function begin(delayMs: number, signal = new AbortController().signal) {
  const { workers, set, listeners } = callers();
  let hasCome = false;
  void awaitCalls(workers, undefined, delayMs, signal).then(() => (hasCome = true));
  const after = async (ms: number): Promise<boolean> => {
    await vi.advanceTimersByTimeAsync(ms);
    return hasCome;
  };
  return { set, after, listeners };
}

describe('a fault begins among calls that are under way', () => {
  test('when its delay is over', async () => {
    const { set, after, listeners } = begin(300);
    set(200);
    expect(await after(299)).toBe(false);
    expect(await after(1)).toBe(true);
    expect(listeners.size).toBe(0);
  });

  test('before, when most of them have been answered', async () => {
    const { set, after } = begin(300);
    set(200);
    set(121);
    expect(await after(0)).toBe(false);
    set(120);
    expect(await after(0)).toBe(true);
  });

  test('when the next one comes, where none is left', async () => {
    const { set, after } = begin(300);
    set(200);
    set(0);
    expect(await after(400)).toBe(false);
    set(1);
    expect(await after(0)).toBe(true);
  });

  test('at last, where no call comes', async () => {
    const { after } = begin(300);
    expect(await after(1_299)).toBe(false);
    expect(await after(1)).toBe(true);
  });

  test('or not at all, where the signal fires first', async () => {
    const ended = new AbortController();
    const { after } = begin(300, ended.signal);
    ended.abort();
    expect(await after(0)).toBe(true);
  });
});
