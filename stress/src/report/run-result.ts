import type { Contention } from '../checker/contention.ts';
import type { Violation } from '../checker/violation.ts';
import type { Operation, ToldOutcome } from '../history.ts';
import type { Verdict } from '../storm/run-storm.ts';

/** A row of the report; all of it is data for `result.json`. */
export interface RunResult {
  readonly scenario: string;
  readonly subject: string;
  readonly adapter: string;
  readonly processes: number;
  readonly callers: number;
  readonly expected: 'valid' | 'violated' | undefined;
  /** Of an exploration: what went wrong once in each run, and how often at most another client went on. */
  readonly faults?: readonly string[];
  readonly preemptionLimit?: number;
  readonly verdict: Verdict;
  /** Why the verdict is `unknown`. */
  readonly reason?: string;
  readonly outcomes: Readonly<Partial<Record<ToldOutcome['kind'], OutcomeLatency>>>;
  readonly backupsUsed: number;
  readonly backupsWasted: number;
  readonly contention: Contention;
  readonly violations: readonly Violation[];
  readonly statesBetween: number;
  readonly durationMs: number;
  /** The command that runs this row again, or the schedule of it that shows what was violated. */
  readonly reproduce: string;
  /** Where not chance but every schedule was tried. */
  readonly exploration?: Explored;
}

/** How far an exploration came. */
export interface Explored {
  /** Classes of equivalent schedules, each run once. */
  readonly classes: number;
  /** Runs that turned out to be equivalent to an earlier one. */
  readonly cut: number;
  readonly runs: number;
  /** There is no further class. */
  readonly complete: boolean;
  /** The simplest schedule found that breaks a promise, and its steps. */
  readonly token?: string;
  readonly trace?: string;
}

export interface OutcomeLatency {
  readonly count: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** What a row holds of a storm where there was none. */
export const noStorm = {
  outcomes: {},
  backupsUsed: 0,
  backupsWasted: 0,
  contention: { overlap: 0, contested: 0, conflicts: 0, lostRaces: 0 },
  violations: [],
  statesBetween: 0,
  durationMs: 0,
} as const;

/** `passed` also where a known-bad flow was caught. Without an expectation a row is only shown. */
export function judge({ expected, verdict }: Pick<RunResult, 'expected' | 'verdict'>): 'passed' | 'failed' | 'unknown' {
  if (verdict === 'unknown') return 'unknown';
  return expected === undefined || verdict === expected ? 'passed' : 'failed';
}

export function latencyByOutcome(operations: readonly Operation[]): RunResult['outcomes'] {
  const groups = Map.groupBy(operations, ({ outcome }) => outcome.kind);
  return Object.fromEntries(
    [...groups].map(([kind, group]) => {
      const sorted = group
        .map(({ invokedAtMs, completedAtMs }) => completedAtMs - invokedAtMs)
        .toSorted((a, b) => a - b);
      return [kind, { count: group.length, p50Ms: percentile(sorted, 0.5), p99Ms: percentile(sorted, 0.99) }];
    }),
  );
}

/** Nearest rank. */
const percentile = (sorted: readonly number[], share: number): number =>
  sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
