import type { KnownBadSubject } from '../subjects/subject.ts';

/** The first time that a promise of a flow's was seen broken. */
export interface Detection {
  /** Schedules, or storms, that were run, this one included. */
  readonly runs: number;
  readonly seconds: number;
  /** The schedule; storms have none. */
  readonly token?: string;
}

/** A way of looking. Exhaustive and crash grid go the same way each time; the others are a matter of luck. */
export const strategies = ['storm', 'random', 'pct', 'exhaustive', 'crash'] as const;
export type Strategy = (typeof strategies)[number];

/** What looking for one flow came to; a strategy that did not fit, or whose turn did not come, is missing. */
export interface Detections {
  readonly subject: Pick<KnownBadSubject, 'name' | 'breaks' | 'depth' | 'shownBy'>;
  /** Of several tries the median by runs; `null` where half of them or more saw nothing within their budget. */
  readonly by: Readonly<Partial<Record<Strategy, Detection | null>>>;
}

/** The one in the middle; of an even number the worse one of the two. Tries without a detection are the worst. */
export function medianDetection(tries: readonly (Detection | null)[]): Detection | null {
  const sorted = tries.toSorted((one, other) => runsOf(one) - runsOf(other));
  return sorted[Math.floor(sorted.length / 2)] ?? null;
}

const runsOf = (detection: Detection | null): number => detection?.runs ?? Number.POSITIVE_INFINITY;
