import type { Footprint } from '../footprint/footprint.ts';
import type { Fields } from '../gate/message.ts';
import type { Decision } from '../schedule/decision.ts';
import type { TraceStep } from './trace-step.ts';

/** How a client's flow ended; for a client that crashed, how its last life ended. `absent`: the schedule does not name the client. */
export type Outcome<T> =
  | { readonly kind: 'returned'; readonly value: T }
  | { readonly kind: 'threw'; readonly error: unknown }
  | { readonly kind: 'absent' };

/** One step of an execution: the decision, the command and the reply. */
export interface ExecutedStep extends Decision {
  readonly footprint: Footprint;
  /** The whole command. May hold credentials. */
  readonly command: Fields;
  /** The whole reply; undefined if the command was not sent. May hold credentials. */
  readonly reply: Fields | undefined;
  /** The server did several writes one after the other in this step. What others do between them is not explored. */
  readonly hasSeveralWrites: boolean;
}

/** One run of a schedule, before `check` has judged it. */
export interface Execution<T> {
  readonly token: string;
  readonly steps: readonly ExecutedStep[];
  readonly trace: readonly TraceStep[];
  /** By client. */
  readonly outcomes: readonly Outcome<T>[];
  /** What the scheduler threw, if anything. */
  readonly refusal: unknown;
}
