import { setTimeout as sleep } from 'node:timers/promises';

/** Waits; the signal ends the wait early. */
export async function hold(durationMs: number, signal: AbortSignal): Promise<void> {
  await sleep(durationMs, undefined, { signal }).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
}

/** A duration between the two, in milliseconds. */
export const between = (minMs: number, maxMs: number, random: () => number): number =>
  minMs + random() * (maxMs - minMs);
