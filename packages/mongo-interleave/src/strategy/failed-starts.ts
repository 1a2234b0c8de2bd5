import { InterleaveError, type InterleaveErrorCode } from '../interleave-error.ts';

/** So many attempts in a row to make a start state, then the search ends. */
const MAX_ATTEMPTS = 3;

const START_FAILED: ReadonlySet<InterleaveErrorCode> = new Set(['reset-failed', 'prepare-failed']);

/** Counts the runs of one worker that could not be started, one after the other. A connection that fails once must not cost a search. */
export class FailedStarts {
  #attempts = 0;

  /** The run was started. */
  ended(): void {
    this.#attempts = 0;
  }

  /**
   * May a run whose start ended with this error be tried again? Not where nothing has ever been run, for then the function is wrong. Nor
   * after `watchdog`: a `reset` that goes on would change the data of the next run.
   */
  mayTryAgain(error: unknown, runs: number): boolean {
    this.#attempts++;
    return (
      error instanceof InterleaveError && START_FAILED.has(error.code) && runs > 0 && this.#attempts < MAX_ATTEMPTS
    );
  }
}
