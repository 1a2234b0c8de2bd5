import type { ExplorationPlace } from '../system/flow.ts';

/** The first time that an invariant of a mutant's was seen broken. */
export interface Detection {
  /** Schedules, or storms, that were run, this one included. */
  readonly runs: number;
  readonly seconds: number;
  /** The schedule; storms have none. */
  readonly token?: string;
}

/** A way of looking. Exhaustive and crash grid go the same way each time; the others are a matter of luck. */
export const STRATEGIES = ['storm', 'random', 'pct', 'exhaustive', 'crash'] as const;
export type Strategy = (typeof STRATEGIES)[number];

/** What looking for one mutant came to. JSON. */
export interface DetectionRow {
  readonly flow: string;
  readonly breaks: readonly string[];
  readonly depth: number;
  readonly place: ExplorationPlace;
  /**
   * Of several tries the median by runs; `null` where half of them or more saw nothing within their budget. A strategy that did not
   * fit, or whose turn did not come, is missing.
   */
  readonly by: Readonly<Partial<Record<Strategy, Detection | null>>>;
}

/** The detection in the middle; of an even number the worse one of the two. Tries without a detection are the worst. */
export function medianDetection(tries: readonly (Detection | null)[]): Detection | null {
  const sorted = tries.toSorted((one, other) => runsOf(one) - runsOf(other));
  return sorted[Math.floor(sorted.length / 2)] ?? null;
}

const runsOf = (detection: Detection | null): number => detection?.runs ?? Number.POSITIVE_INFINITY;
