import type { RunResult } from '../run/result.ts';
import { keyOf } from './failure-key.ts';

/** A failure that an exploration found: the simplest run that shows it, and how many classes do. */
export type Violation<T> = RunResult<T> & {
  /** The same for each run of one failure, as in `violated Error check.ts:12:9 #5be0a1c97f24`: verdict, error, place, and a digest. */
  readonly key: string;
  /** Classes of equivalent schedules with this failure. */
  readonly classes: number;
};

/** Collects runs that are not valid, and keeps of each failure only the simplest run and the number of classes. */
export class Violations<T> {
  readonly #byKey = new Map<string, Violation<T>>();
  #classes = 0;

  /** Classes that are not valid. */
  get classes(): number {
    return this.#classes;
  }

  /** One for each failure, in the order in which the failures were found first. */
  get all(): readonly Violation<T>[] {
    return [...this.#byKey.values()];
  }

  /**
   * Counts a run that is not valid; a valid run is ignored.
   *
   * @param classes how many classes the run stands for. More than 1 for a violation that is restored from a checkpoint
   */
  add(result: RunResult<T>, classes = 1): void {
    if (result.verdict.kind === 'valid') return;
    const key = keyOf(result);
    const known = this.#byKey.get(key);
    const simplest = known === undefined || isSimpler(result, known) ? result : known;
    this.#classes += classes;
    this.#byKey.set(key, { ...simplest, key, classes: (known?.classes ?? 0) + classes });
  }
}

/** Fewer preemptions, then fewer steps, then the token that comes first, so that the choice does not depend on the order of the search. */
function isSimpler<T>(one: RunResult<T>, other: RunResult<T>): boolean {
  if (one.preemptions !== other.preemptions) return one.preemptions < other.preemptions;
  if (one.trace.length !== other.trace.length) return one.trace.length < other.trace.length;
  return one.token < other.token;
}
