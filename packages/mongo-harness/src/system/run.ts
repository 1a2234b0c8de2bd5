import type { History } from './history.ts';
import type { SystemTypes } from './system-types.ts';
import type { Violation } from './violation.ts';

/** A run that is over, as a checker sees it. JSON. */
export interface Run<T extends SystemTypes> {
  /** The scenario's name. */
  readonly scenario: string;
  readonly start: T['state'];
  /** Committed states that were read while the callers ran, in their order. */
  readonly between: readonly T['state'][];
  readonly final: T['state'];
  readonly history: History<T>;
  /** What the faults of the run left broken, whatever the system is. Absent where there were none. */
  readonly aftermath?: readonly Violation[];
  /** Codes of `error` answers that the damage in the start state explains. */
  readonly expectedErrors: readonly string[];
}
