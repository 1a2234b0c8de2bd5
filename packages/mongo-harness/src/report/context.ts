import type { System } from '../system/system.ts';
import type { SystemTypes } from '../system/system-types.ts';
import type { Evidence } from './evidence.ts';
import type { Progress } from './progress.ts';

/** What each row of a command needs: which system, what ends the row early, and where the row leaves its traces. */
export interface Context<T extends SystemTypes> {
  readonly system: System<T>;
  /** The module whose default export is the system, for worker processes. */
  readonly module: string;
  /** How the user calls the harness, as in `pnpm stress`. */
  readonly command: string;
  /** Ctrl-C, or the limit of time. */
  readonly signal: AbortSignal;
  readonly progress: Progress;
  readonly evidence: Evidence;
}
