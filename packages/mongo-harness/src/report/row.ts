import type { Condition } from 'mongo-interleave';
import type { Contention } from '../history/contention.ts';
import type { History } from '../system/history.ts';
import type { SystemTypes } from '../system/system-types.ts';
import type { JudgedStates } from '../system/judged-states.ts';
import type { Verdict, Violation } from '../system/violation.ts';
import type { ExplorationTrial, StormTrial, Trial } from '../trial/trial.ts';
import type { Failure } from './failure.ts';

/** A row of the report, of a storm or an exploration. JSON; `result.json` holds rows. */
export interface Row {
  readonly trial: StormTrial | ExplorationTrial;
  /** Processes of a storm; clients of an exploration, each standing for a process. */
  readonly processes: number;
  readonly callers: number;
  readonly verdict: Verdict;
  /** The states that the verdict covers. */
  readonly judged: JudgedStates;
  /** Why the verdict is `unknown`. */
  readonly reason?: string;
  /** What kept the row from a verdict, where something threw. */
  readonly failure?: Failure['kind'];
  readonly violations: readonly Violation[];
  /** The command that runs the row again, or the one schedule of it that shows the violation. */
  readonly reproduce: string;
  /** Absent where the row was not run, or was ended before it was over. */
  readonly storm?: StormFigures;
  /** Absent where the row was not run. */
  readonly exploration?: ExplorationFigures;
  /** The file with the row's history, relative to the result's folder; written where the row was violated or unknown. */
  readonly history?: string;
}

export interface StormFigures {
  /** By the answer's kind. */
  readonly answers: Readonly<Record<string, AnswerLatency>>;
  readonly contention: Contention;
  /** What `Show.columns` adds. */
  readonly columns: Readonly<Record<string, number>>;
  /** Committed states on the way that could be judged: those that were read meanwhile, or that the log has. */
  readonly statesBetween: number;
  readonly durationMs: number;
  /** Of a storm that went on in rounds; the other figures are of all of them together. */
  readonly rounds?: RoundFigures;
}

export interface RoundFigures {
  /** Those that were judged. */
  readonly judged: number;
  readonly violated: number;
  readonly calls: number;
  /** One for each kind. */
  readonly faults: readonly FaultFigures[];
  /** From the begin of a fault to the begin of the next one; faults that begin together are one. Absent where there were fewer than two. */
  readonly apartMs?: Spread & { readonly mean: number };
  /** The longest time between two faults in which none lasted. Absent where there were fewer than two. */
  readonly undisturbedMs?: number;
  /** Absent where no call was answered. */
  readonly longestCallMs?: number;
  /** What the flow says of its calls. Absent where it says nothing. */
  readonly deadlineMs?: number;
  /** So much later than its deadline a call was allowed to be answered, at most: its process was busy for so long, and no fault had stopped it. */
  readonly allowanceMs: number;
  /** Calls that were not served by the end of a round with a fault, and were asked again. */
  readonly askedAgain: number;
  /** The longest time until such a call was served, from the moment when it was asked again. Absent where there were none. */
  readonly servedAgainMs?: number;
  /** So long it may take. */
  readonly maxUnservedMs: number;
  /** Calls of which a caller could not know whether they were done, and asked when all was mended. */
  readonly inquired: number;
}

export interface FaultFigures {
  readonly kind: string;
  readonly made: number;
  /** Those that met calls under way; the others prove nothing. */
  readonly hit: number;
  /** The median of the calls that were under way while it lasted. */
  readonly met: number;
  /** The median of the calls that were under way when it began, in all processes. */
  readonly underWay: number;
  readonly durationMs: Spread;
  /** The longest time in which no call was served, from the begin of the fault until one was served after its end. */
  readonly outageMs: Spread;
  /** From the end of the fault to the first call that was served after it. Absent where none was. */
  readonly recoveryMs?: Spread;
}

export interface Spread {
  readonly median: number;
  readonly max: number;
}

export interface AnswerLatency {
  readonly count: number;
  /** Absent where no call of this kind was answered. */
  readonly p50Ms?: number;
  readonly p99Ms?: number;
}

export interface ExplorationFigures {
  /** Classes of equivalent schedules, each run once. */
  readonly classes: number;
  /** Runs that turned out to be equivalent to an earlier one (sleep-set blocked). */
  readonly redundant: number;
  readonly runs: number;
  /** There is no further class. */
  readonly complete: boolean;
  /** What `complete` does not cover, see mongo-interleave. */
  readonly conditions: readonly Condition[];
  /** The simplest schedule found that breaks an invariant, and its steps. */
  readonly token?: string;
  readonly trace?: string;
  readonly durationMs: number;
}

/** `passed` also where a mutant was caught. Without an expectation a row is only shown. */
export function judgeRow({
  trial: { expected },
  verdict,
}: {
  readonly trial: Pick<Trial, 'expected'>;
  readonly verdict: Verdict;
}): 'passed' | 'failed' | 'unknown' {
  if (verdict === 'unknown') return 'unknown';
  return expected === undefined || verdict === expected ? 'passed' : 'failed';
}

export function latencyByAnswer<T extends SystemTypes>(
  operations: History<T>['operations'],
): Record<string, AnswerLatency> {
  const groups = Map.groupBy(operations, ({ answer }) => answer.kind);
  return Object.fromEntries(
    [...groups].map(([kind, group]) => {
      const sorted = group
        .flatMap(({ invokedAtMs, completedAtMs }) => (completedAtMs === undefined ? [] : [completedAtMs - invokedAtMs]))
        .toSorted((a, b) => a - b);
      const latency = sorted.length === 0 ? {} : { p50Ms: percentile(sorted, 0.5), p99Ms: percentile(sorted, 0.99) };
      return [kind, { count: group.length, ...latency }];
    }),
  );
}

/** Nearest rank. */
const percentile = (sorted: readonly number[], fraction: number): number =>
  sorted[Math.max(0, Math.ceil(fraction * sorted.length) - 1)] ?? 0;
