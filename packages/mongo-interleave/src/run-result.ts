import { clientLetter } from './gate/gate.ts';
import { formatTrace, type TraceStep } from './schedule/trace.ts';

/** How a client's flow ended. */
export type Outcome<T> =
  { readonly kind: 'returned'; readonly value: T } | { readonly kind: 'threw'; readonly error: unknown };

/** What `check` said. */
export type Verdict = { readonly kind: 'valid' } | { readonly kind: 'violated'; readonly error: unknown };

/** One schedule and what came of it. */
export interface RunResult<T> {
  /** Replays the run: see `Interleaving.run`. */
  readonly token: string;
  readonly trace: readonly TraceStep[];
  /** By client. */
  readonly outcomes: readonly Outcome<T>[];
  readonly verdict: Verdict;
}

/** Everything about a run as text: token, what was violated, a line a step, and how each client ended. */
export function formatRun<T>({ token, trace, outcomes, verdict }: RunResult<T>): string {
  const head = verdict.kind === 'valid' ? `${token} valid` : `${token} violated: ${messageOf(verdict.error)}`;
  const ends = outcomes.map((outcome, client) => {
    const how =
      outcome.kind === 'returned' ? `returned ${JSON.stringify(outcome.value)}` : `threw ${messageOf(outcome.error)}`;
    return `    ${clientLetter(client)} ${how}`;
  });
  return [head, formatTrace(trace), ...ends].join('\n');
}

function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.trim().split('\n', 1)[0] ?? '';
}
