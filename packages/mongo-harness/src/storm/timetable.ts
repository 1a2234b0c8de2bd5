import type { PlannedCall } from '../system/scenario.ts';
import type { SystemTypes } from '../system/system-types.ts';

/** JSON. */
export interface TimedCall<T extends SystemTypes> extends PlannedCall<T> {
  /** When it is made. Default: at once. */
  readonly start?: Start;
}

/** So long after the begin of a wave; or when all faults of the round are over. */
export type Start = { readonly wave: number; readonly afterMs: number } | 'mended';

export interface TimetableOptions {
  /** The calls come in so many waves, with a fault each. */
  readonly waves: number;
  /** In this time those callers come that come one after the other. */
  readonly spreadMs: number;
  /** Seeded. */
  readonly random: () => number;
}

/** Callers that come at once, for races: the fault of the wave begins while they are under way. */
const AT_ONCE = 0.5;
/** Callers that come when all is mended, to see how soon they are served. */
const MENDED = 0.1;

/**
 * When the callers of a round with faults come. Equal calls race with each other, so they come in one wave. Half of a wave's callers come at
 * once; most of the others come one after the other, before, during and after the fault, and a few when all faults are over.
 */
export function timetable<T extends SystemTypes>(
  calls: readonly PlannedCall<T>[],
  { waves, spreadMs, random }: TimetableOptions,
): TimedCall<T>[] {
  const waveOf = new Map([...new Set(calls.map(textOf))].map((text, index) => [text, index % waves]));
  const byWave = Map.groupBy(calls, (call) => waveOf.get(textOf(call)) ?? 0);
  return [...byWave].flatMap(([wave, group]) =>
    group.map((call, index): TimedCall<T> => {
      const fraction = index / group.length;
      if (fraction >= 1 - MENDED) return { ...call, start: 'mended' };
      return { ...call, start: { wave, afterMs: fraction < AT_ONCE ? 0 : random() * spreadMs } };
    }),
  );
}

/** How many waves these calls can come in. */
export const maxWavesOf = <T extends SystemTypes>(calls: readonly PlannedCall<T>[]): number =>
  new Set(calls.map(textOf)).size;

const textOf = <T extends SystemTypes>({ call }: PlannedCall<T>): string => JSON.stringify(call);
