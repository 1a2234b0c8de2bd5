import type { Taken } from './execute-run.ts';
import { clientLetter } from './gate/gate.ts';
import { isCrash } from './schedule/token.ts';
import { formatTrace, type TraceStep } from './schedule/trace.ts';

/** How a client's flow ended; of a client that crashed, how its last life did. `absent`: the schedule left it out. */
export type Outcome<T> =
  | { readonly kind: 'returned'; readonly value: T }
  | { readonly kind: 'threw'; readonly error: unknown }
  | { readonly kind: 'absent' };

/** What `check` said. */
export type Verdict = { readonly kind: 'valid' } | { readonly kind: 'violated'; readonly error: unknown };

/** One schedule and what came of it. */
export interface RunResult<T> {
  /** Replays the run: see `Interleaving.run`. */
  readonly token: string;
  readonly trace: readonly TraceStep[];
  /** How often another client went on though the one before it could have. */
  readonly preemptions: number;
  /** By client. */
  readonly outcomes: readonly Outcome<T>[];
  readonly verdict: Verdict;
}

/** How often a client was interrupted: it could have gone on, and another did. One that crashed could not. */
export function countPreemptions(taken: readonly Taken[]): number {
  return taken.filter(({ choice }, step) => {
    const before = taken[step - 1]?.choice;
    if (before === undefined || isCrash(before.fault) || before.client === choice.client) return false;
    return taken[step]?.offered.includes(before.client) === true;
  }).length;
}

/** Everything about a run as text: token, what was violated, a line a step, and how each client ended. */
export function formatRun<T>({ token, trace, outcomes, verdict }: RunResult<T>): string {
  const head = verdict.kind === 'valid' ? `${token} valid` : `${token} violated: ${messageOf(verdict.error)}`;
  const ends = outcomes.flatMap((outcome, client) => {
    if (outcome.kind === 'absent') return [];
    const how =
      outcome.kind === 'returned' ? `returned ${JSON.stringify(outcome.value)}` : `threw ${messageOf(outcome.error)}`;
    return [`    ${clientLetter(client)} ${how}`];
  });
  return [head, formatTrace(trace), ...ends].join('\n');
}

function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.trim().split('\n', 1)[0] ?? '';
}
