import type { Outcome } from './execution.ts';
import type { TraceStep } from './trace-step.ts';

/** What `check` said: `violated` if it threw. */
export type Verdict = { readonly kind: 'valid' } | { readonly kind: 'violated'; readonly error: unknown };

/** One run of a schedule, with its verdict. */
export interface RunResult<T> {
  /** Replays the run, see `InterleaveSession.run`. */
  readonly token: string;
  readonly trace: readonly TraceStep[];
  /** Switches away from a client that still had a command ready. */
  readonly preemptions: number;
  /** By client. */
  readonly outcomes: readonly Outcome<T>[];
  readonly verdict: Verdict;
}
