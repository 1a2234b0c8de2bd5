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

/** What texts of a run leave out: values of fields (see `showFields`), or what flows returned and threw (see `showResults`). */
export type HiddenPart = 'fields' | 'results';

/** One run of a schedule, with its verdict. */
export interface RunResult<T> {
  /** Replays the run, see `InterleaveSession.run`. */
  readonly token: string;
  readonly trace: readonly TraceStep[];
  /** Switches away from a client that still had a command ready. */
  readonly preemptions: number;
  /** By client. */
  readonly outcomes: readonly Outcome<T>[];
  /**
   * By client: how it ended, as text, such as `A returned "c1"`; empty for an absent client. Shows no values but those of `_id`, of
   * `showFields`, and texts and numbers that the trace shows; with `showResults` everything.
   */
  readonly endings: readonly string[];
  /** What trace and endings leave out, as far as the option that shows it is not used. `formatRun` names the options. Default: nothing. */
  readonly hidden?: readonly HiddenPart[];
  readonly verdict: Verdict;
}
