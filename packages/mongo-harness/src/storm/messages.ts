import type { Failure } from '../report/failure.ts';
import type { PlannedCall } from '../system/scenario.ts';
import type { SystemTypes } from '../system/system-types.ts';
import type { Trial } from '../trial/trial.ts';
import type { TimedCall } from './timetable.ts';

/** What the parent asks of a worker process, over Node's own channel between parent and child. What happens comes back as a journal. */
export type ToWorker<T extends SystemTypes> =
  | { readonly kind: 'prepare'; readonly task: WorkerTask<T> }
  /** Begin; times count from this instant of the machine's monotonic clock, in nanoseconds as text. */
  | { readonly kind: 'go'; readonly originNs: string }
  /** The fault of the round is over. */
  | { readonly kind: 'mended' }
  /** Make these calls again and again, at once, each until it is served. */
  | ({ readonly kind: 'probe' } & Probe<T>);

export interface Probe<T extends SystemTypes> {
  /** As of `go`. */
  readonly originNs: string;
  readonly calls: readonly PlannedCall<T>[];
  readonly maxWaitMs: number;
}

export interface WorkerTask<T extends SystemTypes> {
  readonly process: number;
  readonly uri: string;
  readonly database: string;
  readonly trial: Pick<Trial, 'flow' | 'exec' | 'deployment'>;
  readonly calls: readonly TimedCall<T>[];
  /** Calls under way at once, at most. */
  readonly maxConcurrency: number;
  /** The user has said so; else a flow whose processes take several calls at once may have more under way. */
  readonly isConcurrencyChosen: boolean;
}

export type FromWorker =
  { readonly kind: 'ready' } | { readonly kind: 'failed'; readonly failure: Failure; readonly programError?: string };

/** The `appName` of callers, by which the server knows them from the harness. @param system its name */
export const callersName = ({ name }: { readonly name: string }): string => `${name}-callers`;

/** The file descriptor of a worker's journal. */
export const JOURNAL_FD = 3;
