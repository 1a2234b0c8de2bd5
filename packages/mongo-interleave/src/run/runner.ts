import type { Scheduler } from '../schedule/scheduler.ts';
import type { FaultKind } from '../schedule/token.ts';
import type { Execution } from './execution.ts';
import type { RunResult } from './result.ts';

/** Runs schedules, one at a time. */
export interface Runner<T> {
  /**
   * Makes the start state with `reset` and runs one schedule.
   *
   * @param giveUpAtMs when to give the run up, as `performance.now()` counts. Looked at between steps. Default: never
   */
  execute(scheduler: Scheduler, giveUpAtMs?: number): Promise<Execution<T>>;
  /** Calls `check` on what the run left in the database. Must come before the next `execute`. */
  judge(execution: Execution<T>): Promise<RunResult<T>>;
  /**
   * Makes the start state once more and compares it with what was known of it. What that tells of its values, `StartStates` knows.
   *
   * @returns true if there are other collections or indexes, so that runs must not be compared by what was known until now
   */
  recheckStart(): Promise<boolean>;
  /** Can these faults be injected here? @throws InterleaveError `invalid-option` */
  expectPossible(faults: readonly (FaultKind | undefined)[]): void;
}
