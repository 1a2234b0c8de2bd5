import type { InterleaveError } from '../interleave-error.ts';
import type { Outcome } from './execution.ts';
import type { TraceStep } from './trace-step.ts';

/**
 * What is known of a run.
 *
 * - `valid`: `check` had nothing to say
 * - `violated`: `check` threw, or the run never ends (InterleaveError `never-ends`)
 * - `unknown`: the run could not be finished or judged; the error's code says why: `watchdog`, `blocked`, `connection-lost`, `diverged`,
 *   `late-command`
 */
export type Verdict =
  | { readonly kind: 'valid' }
  | { readonly kind: 'violated'; readonly error: unknown }
  | { readonly kind: 'unknown'; readonly error: InterleaveError };

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
