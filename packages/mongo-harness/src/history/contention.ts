import type { History } from '../system/history.ts';
import type { SystemTypes } from '../system/system-types.ts';

/** How much the calls of a run raced. A run in which nothing raced proves nothing. */
export interface Contention {
  /** The most calls that were under way at the same time. */
  readonly overlap: number;
  /** Calls that began while another call was under way; all calls of a run compete for the same documents. */
  readonly contested: number;
  readonly conflicts: number;
  readonly lostRaces: number;
}

export function measureContention<T extends SystemTypes>({
  operations,
  conflicts,
  lostRaces,
}: Pick<History<T>, 'operations' | 'conflicts' | 'lostRaces'>): Contention {
  // Ends come before begins at the same instant: touching is not overlapping.
  const edges = operations
    .flatMap(({ invokedAtMs, completedAtMs = Infinity }) => [
      { atMs: invokedAtMs, step: 1 },
      { atMs: completedAtMs, step: -1 },
    ])
    .toSorted((a, b) => a.atMs - b.atMs || a.step - b.step);
  let running = 0;
  let overlap = 0;
  for (const { step } of edges) {
    running += step;
    overlap = Math.max(overlap, running);
  }
  // In order of begin, a call overlaps an earlier one exactly when the latest end so far lies after its begin.
  let contested = 0;
  let latestEndMs = Number.NEGATIVE_INFINITY;
  for (const { invokedAtMs, completedAtMs = Infinity } of operations.toSorted(
    (a, b) => a.invokedAtMs - b.invokedAtMs,
  )) {
    if (invokedAtMs < latestEndMs) contested++;
    latestEndMs = Math.max(latestEndMs, completedAtMs);
  }
  return { overlap, contested, conflicts, lostRaces };
}

export const hasRaced = ({ contested, overlap }: Contention): boolean => contested > 0 && overlap > 1;
