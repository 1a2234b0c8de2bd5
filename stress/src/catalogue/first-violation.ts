import { InterleaveError, type Interleaving, type RunResult } from 'mongo-interleave';
import { closedBy } from '../explore/closed-by.ts';
import { violationsOf } from '../explore/explore-race.ts';
import type { Detection } from './detection.ts';

interface Found {
  readonly violations: readonly RunResult<string>[];
  readonly runs: number;
  readonly seconds: number;
}

/** Looks until the signal fires, which closes the race: what was ended in the middle has seen nothing. */
export async function firstViolation(
  signal: AbortSignal,
  interleaving: Interleaving<string>,
  look: () => Promise<Found>,
): Promise<Detection | null> {
  try {
    const { violations, runs, seconds } = await closedBy(signal, interleaving, look);
    const [first] = violations;
    if (first === undefined) return null;
    violationsOf(first); // throws what is no broken promise
    return { runs, seconds, token: first.token };
  } catch (error) {
    if (!(signal.aborted && error instanceof InterleaveError)) throw error;
    return null;
  }
}
