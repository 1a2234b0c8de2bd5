import type { Impatience } from '../nemesis/fault-method.ts';
import type { Failure } from '../report/failure.ts';
import type { PlannedCall } from '../system/scenario.ts';
import type { SystemTypes } from '../system/system-types.ts';
import type { Trial } from '../trial/trial.ts';
import type { TimedCall } from './timetable.ts';

/** What the parent asks of a worker process, over Node's own channel between parent and child. What happens comes back as a journal. */
export type ToWorker<T extends SystemTypes> =
  /** `warmUp`: opens connections first, so that the run measures the flow and not handshakes. */
  | { readonly kind: 'prepare'; readonly task: WorkerTask<T>; readonly warmUp: boolean }
  /** Begin; times count from this instant of the machine's monotonic clock, in nanoseconds as text. */
  | { readonly kind: 'go'; readonly originNs: string }
  /** Lets the calls of a wave begin, at that instant of the run. */
  | { readonly kind: 'wave'; readonly wave: number; readonly atMs: number }
  /** All faults of the round are over, at that instant of the run. */
  | { readonly kind: 'mended'; readonly atMs: number }
  /** From now on a part of the callers do not wait for long; without `impatience` no more. */
  | { readonly kind: 'patience'; readonly impatience?: Impatience }
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
