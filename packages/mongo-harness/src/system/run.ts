import type { Commit } from './commit.ts';
import type { History } from './history.ts';
import type { SystemTypes } from './system-types.ts';
import type { Violation } from './violation.ts';

/** A run that is over, as a checker sees it. JSON. */
export interface Run<T extends SystemTypes> {
  /** The scenario's name. */
  readonly scenario: string;
  readonly start: T['state'];
  /** Committed states that were read while the callers ran, in their order. None where there are `commits`. */
  readonly between: readonly T['state'][];
  /**
   * All that was committed between `start` and `final`, in its order, as the server's log has it. Of storms, where the system has
   * `toWrite`; absent where only the end is judged, and where the run was cut off.
   */
  readonly commits?: readonly Commit<T>[];
  readonly final: T['state'];
  readonly history: History<T>;
  /** What the faults of the run left broken, whatever the system is. Absent where there were none. */
  readonly aftermath?: readonly Violation[];
  /** Codes of `error` answers that the damage in the start state explains. */
  readonly expectedErrors: readonly string[];
}
