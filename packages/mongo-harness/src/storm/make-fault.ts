import { hold } from '../nemesis/hold.ts';
import type { ReadyFault } from '../nemesis/fault-method.ts';
import type { Fault } from '../system/history.ts';
import type { SystemTypes } from '../system/system-types.ts';
import type { StormFault } from '../system/storm-fault.ts';
import type { StormClock } from './storm-clock.ts';
import type { Workers } from './workers.ts';

/** The fault of a round. */
export interface PlannedFault {
  readonly kind: StormFault;
  /** To be called when the callers are about to begin. */
  readonly prepare: () => Promise<ReadyFault>;
  /** From the beginning of the run. */
  readonly atMs: number;
  /** Seeded; for the moments when callers come. */
  readonly random: () => number;
}

/** Makes the fault, and tells the workers when it is over. The signal ends it early. */
export async function makeFault<T extends SystemTypes>(
  { kind, atMs }: Pick<PlannedFault, 'kind' | 'atMs'>,
  { target, process, run }: ReadyFault,
  clock: StormClock,
  workers: Workers<T>,
  signal: AbortSignal,
): Promise<Fault> {
  await hold(Math.max(0, atMs - clock.nowMs()), signal);
  const beganAtMs = clock.nowMs();
  try {
    const commands = await run(signal);
    return {
      kind,
      target,
      ...(process === undefined ? {} : { process }),
      ...(typeof commands === 'number' ? { commands } : {}),
      atMs: beganAtMs,
      endedAtMs: clock.nowMs(),
    };
  } finally {
    workers.mended();
  }
}
