import { InterleaveError, type InterleaveSession, type RunResult } from 'mongo-interleave';
import { closedBy } from '../explore/closed-by.ts';
import { judgeSchedule } from '../explore/judge.ts';
import type { Detection } from './detection.ts';

interface Found {
  readonly violations: readonly RunResult<string>[];
  readonly runs: number;
  readonly seconds: number;
}

/** Looks until the signal fires, which closes the session: what was ended in the middle has seen nothing. */
export async function firstViolation(
  signal: AbortSignal,
  session: InterleaveSession<string>,
  look: () => Promise<Found>,
): Promise<Detection | null> {
  try {
    const { violations, runs, seconds } = await closedBy(signal, session, look);
    const [first] = violations;
    if (first === undefined) return null;
    judgeSchedule(first); // throws what is no broken invariant
    return { runs, seconds, token: first.token };
  } catch (error) {
    if (!(signal.aborted && error instanceof InterleaveError)) throw error;
    return null;
  }
}
