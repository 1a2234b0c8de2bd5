import { hold } from '../nemesis/hold.ts';
import type { NextFault } from '../nemesis/nemesis.ts';
import type { Fault } from '../system/history.ts';
import type { SystemTypes } from '../system/system-types.ts';
import type { StormClock } from './storm-clock.ts';
import type { Workers } from './workers.ts';

/** The fault of a round. */
export interface PlannedFault {
  readonly next: NextFault;
  /** From the beginning of the run. */
  readonly atMs: number;
  /** The callers that don't come at once come in so many milliseconds. */
  readonly spreadMs: number;
  /** Seeded. */
  readonly random: () => number;
}

/** Makes the fault, and tells the workers when it is over. The signal ends it early. */
export async function makeFault<T extends SystemTypes>(
  { next: { kind, target, run }, atMs }: PlannedFault,
  clock: StormClock,
  workers: Workers<T>,
  signal: AbortSignal,
): Promise<Fault> {
  await hold(Math.max(0, atMs - clock.nowMs()), signal);
  const beganAtMs = clock.nowMs();
  try {
    await run(signal);
    return { kind, target, atMs: beganAtMs, endedAtMs: clock.nowMs() };
  } finally {
    workers.mended();
  }
}
