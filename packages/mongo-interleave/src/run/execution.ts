import type { Footprint } from '../footprint/footprint.ts';
import type { Fields } from '../gate/message.ts';
import type { InterleaveError } from '../interleave-error.ts';
import type { Decision } from '../schedule/decision.ts';
import type { EnabledStep } from '../schedule/scheduler.ts';
import type { Condition } from './condition.ts';
import type { TraceStep } from './trace-step.ts';

/**
 * How a client's flow ended; for a client that crashed, how its last life ended. `absent`: the schedule does not name the client.
 * `hanging`: the run was over before the flow ended.
 */
export type Outcome<T> =
  | { readonly kind: 'returned'; readonly value: T }
  | { readonly kind: 'threw'; readonly error: unknown }
  | { readonly kind: 'absent' }
  | { readonly kind: 'hanging' };

/** One step of an execution: the decision, the command and the reply. */
export interface ExecutedStep extends Decision {
  readonly footprint: Footprint;
  /** The whole command. May hold credentials. */
  readonly command: Fields;
  /** The whole reply; undefined if the command was not sent, or not answered. May hold credentials. */
  readonly reply: Fields | undefined;
}

/** A step that a client was about to take when its run ended. */
export interface PendingStep {
  readonly transition: Pick<EnabledStep, 'id' | 'commandId'> & { readonly client: number };
  readonly footprint: Footprint;
}

/** What `onStep` threw. */
export interface StepFailure {
  readonly error: unknown;
}

/** One run of a schedule, before `check` has judged it. */
export interface Execution<T> {
  readonly token: string;
  readonly steps: readonly ExecutedStep[];
  readonly trace: readonly TraceStep[];
  /** By client. */
  readonly outcomes: readonly Outcome<T>[];
  /** Why the run did not end by itself; undefined if it did. */
  readonly failure: InterleaveError | undefined;
  /** The first error of `onStep`, with which the run goes on to its end. */
  readonly stepFailure: StepFailure | undefined;
  /** What the clients were about to do if the run did not end by itself. */
  readonly pending: readonly PendingStep[];
  /** The run was ended by `maxSteps`. */
  readonly isCutOff: boolean;
  /** The time was up. Such a run proves nothing, and is not judged. */
  readonly isGivenUp: boolean;
  /** The run has shown that a loop which was taken to be endless is not: what runs before it took for granted was wrong. */
  readonly hasRefuted: boolean;
  /** A client went on after one of several commands that it had sent at once. */
  readonly hasChains: boolean;
  /** What the run took for granted. */
  readonly conditions: readonly Condition[];
}
