import type { History } from '../history.ts';
import type { PlannedCall } from '../scenarios/scenario.ts';
import type { SubjectChoice } from '../subjects/index.ts';

/** What the parent asks of a worker process, over Node's own channel between parent and child. */
export type ToWorker =
  | { readonly kind: 'prepare'; readonly task: WorkerTask }
  /** Begin; times count from this instant of the machine's monotonic clock, in nanoseconds as text. */
  | { readonly kind: 'go'; readonly originNs: string };

export interface WorkerTask {
  readonly process: number;
  readonly uri: string;
  readonly database: string;
  readonly subject: SubjectChoice;
  readonly adapter: string;
  readonly calls: readonly PlannedCall[];
  /** Callers under way at once, at most. */
  readonly concurrency: number;
}

export type FromWorker =
  | { readonly kind: 'ready' }
  | { readonly kind: 'done'; readonly history: History }
  | { readonly kind: 'failed'; readonly message: string; readonly isProgramError: boolean };
