import type { Failure } from '../report/failure.ts';
import type { History } from '../system/history.ts';
import type { PlannedCall } from '../system/scenario.ts';
import type { SystemTypes } from '../system/system-types.ts';
import type { Trial } from '../trial/trial.ts';
import type { TimedCall } from './timetable.ts';

/** What the parent asks of a worker process, over Node's own channel between parent and child. */
export type ToWorker<T extends SystemTypes> =
  | { readonly kind: 'prepare'; readonly task: WorkerTask<T> }
  /** Begin; times count from this instant of the machine's monotonic clock, in nanoseconds as text. */
  | { readonly kind: 'go'; readonly originNs: string }
  /** The fault of the round is over. */
  | { readonly kind: 'mended' }
  /** Make these calls again and again, at once, each until it is served. */
  | {
      readonly kind: 'probe';
      readonly originNs: string;
      readonly calls: readonly PlannedCall<T>[];
      readonly maxWaitMs: number;
    }
  /** Report what happened so far; the process is killed then, and its open calls stay without answer. */
  | { readonly kind: 'stop' };

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

export type FromWorker<T extends SystemTypes> =
  | { readonly kind: 'ready' }
  | { readonly kind: 'done'; readonly history: History<T> }
  | { readonly kind: 'failed'; readonly failure: Failure; readonly programError?: string };
