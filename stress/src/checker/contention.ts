import type { History } from '../history.ts';

/** Did it race? A run in which nothing did proves nothing. */
export interface Contention {
  /** Callers under way at the same time, at most. */
  readonly overlap: number;
  /** Calls that began while another one was under way; all of a run compete for the same key or the same backups. */
  readonly contested: number;
  readonly conflicts: number;
  readonly lostRaces: number;
}

export function measureContention({ operations, conflicts, lostRaces }: History): Contention {
  // Ends come before begins at the same instant: touching is not overlapping.
  const edges = operations
    .flatMap(({ invokedAtMs, completedAtMs }) => [
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
  for (const { invokedAtMs, completedAtMs } of operations.toSorted((a, b) => a.invokedAtMs - b.invokedAtMs)) {
    if (invokedAtMs < latestEndMs) contested++;
    latestEndMs = Math.max(latestEndMs, completedAtMs);
  }
  return { overlap, contested, conflicts, lostRaces };
}

export const hasRaced = ({ contested, overlap }: Contention): boolean => contested > 0 && overlap > 1;
