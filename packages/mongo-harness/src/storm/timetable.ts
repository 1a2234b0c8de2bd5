import type { PlannedCall } from '../system/scenario.ts';
import type { SystemTypes } from '../system/system-types.ts';

/** JSON. */
export interface TimedCall<T extends SystemTypes> extends PlannedCall<T> {
  /** So long after the beginning of the run, or when the round's fault is over. Default: at once. */
  readonly start?: number | 'mended';
}

/** A fault may begin before the first call, and take a while to have its effect. */
export const LEAD_MS = 100;
/** In this time those callers come that come one after the other. */
const SPREAD_MS = 3_000;

/**
 * When the callers of a round with a fault come. Half of them come at once, for races; the fault begins while they are under way. Of the
 * others most come one after the other, before, during and after the fault, and a few when it is over, to see how soon they are served.
 */
export const timetable = <T extends SystemTypes>(
  calls: readonly PlannedCall<T>[],
  random: () => number,
): TimedCall<T>[] =>
  calls.map((call, index): TimedCall<T> => {
    const fraction = index / calls.length;
    if (fraction < 0.5) return { ...call, start: LEAD_MS };
    return { ...call, start: fraction < 0.9 ? LEAD_MS + random() * SPREAD_MS : 'mended' };
  });
