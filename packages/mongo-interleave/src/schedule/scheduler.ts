import type { Footprint } from '../footprint/footprint.ts';
import type { HeldCommand } from '../gate/held-command.ts';
import type { Choice, FaultKind } from './token.ts';

/** A held command that may be released now. */
export interface EnabledStep {
  /** With a `fault` if the scheduler injects one. */
  readonly choice: Choice;
  /** Client, number, command and collection, such as `A0 find coupons`, for messages. */
  readonly text: string;
  /** The same without names that may be drawn anew in each run. Unique within a run, and the same in a replay. */
  readonly id: string;
  /** The held command: the same with each fault, and for both steps of an upsert. */
  readonly commandId: string;
  readonly command: HeldCommand;
  /** The second step of an upsert that has looked and found none. The server has begun the command by then, which few faults can hit. */
  readonly isInsert: boolean;
  /** The footprint that the command will have if it succeeds, as far as the command alone tells. */
  readonly predict: () => Footprint;
}

/** After its look the server has the upsert, so only these faults at its insert differ from each other and from those at its look. */
const FAULTS_AT_INSERT: readonly FaultKind[] = ['crash-after', 'lost-reply', 'step-down-after'];

/** Can this fault be injected at this step? */
export const canHit = ({ isInsert }: EnabledStep, fault: FaultKind): boolean =>
  !isInsert || FAULTS_AT_INSERT.includes(fault);

/**
 * Decides which command is released next. `next` may throw: the run then ends at once. With InterleaveError `diverged` the verdict of the
 * run is unknown, any other error is thrown.
 */
export interface Scheduler {
  /** Clients that take part. Default: all. */
  readonly participants?: ReadonlySet<number>;
  /**
   * @param enabled never empty
   * @param step counts the steps of the run, from 0
   */
  next(enabled: readonly EnabledStep[], step: number): EnabledStep;
  /** Called with the footprint of the step that `next` returned, after the server has replied. */
  executed(footprint: Footprint): void;
  /**
   * Begins the run again. Called after a run was given up to try a loop that is met for the first time. Without it, clients never await:
   * what they repeat, they repeat.
   */
  restart?(): void;
  /**
   * The runs before this one decide what it does, so it can't begin again when a loop that they took to be endless is left. It is given up
   * instead.
   */
  readonly buildsOnEarlierRuns?: boolean;
  /** The number of steps of an exact schedule, at whose end the clients that are left must be in endless loops. */
  readonly length?: number;
}
