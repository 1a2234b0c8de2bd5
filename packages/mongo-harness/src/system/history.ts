import type { NoAnswer, SystemTypes } from './system-types.ts';

/*
 * What happened in a run, on one clock. In a storm the clock is the machine's monotonic one, which all processes share, in
 * milliseconds since the run began. At the gate the clock counts steps.
 */

/** One call, from its invocation to its answer. JSON. */
export interface Operation<T extends SystemTypes> {
  readonly caller: number;
  /** The process or gated client that made the call. */
  readonly process: number;
  /** The service's name. */
  readonly service: string;
  readonly call: T['call'];
  readonly invokedAtMs: number;
  /** Absent where there was no answer. */
  readonly completedAtMs?: number;
  /** In milliseconds, where the caller had one of its own. Default: that of the flow. */
  readonly deadlineMs?: number;
  /** When the caller gave up. Absent where it did not. */
  readonly gaveUpAtMs?: number;
  /** The longest time for which its process was held up while the call was under way: busy, or stopped by a signal. Absent where it was not. */
  readonly heldUpMs?: number;
  readonly answer: T['answer'] | NoAnswer;
}

/** Something that went wrong on purpose. JSON. */
export interface Fault {
  /** As in `crash-after`, `step-down`. */
  readonly kind: string;
  /** The client whose command it met, at the gate; the process of callers that it met, in a storm. Absent where it met the database. */
  readonly process?: number;
  readonly atMs: number;
  /** When all was mended. Absent where it was an instant, as at the gate. */
  readonly endedAtMs?: number;
  /** What it met, as in `member 1`. */
  readonly target?: string;
  /** Calls that were under way while it lasted. Absent at the gate, where a fault is always at a command. */
  readonly met?: number;
  /** Calls that were under way when it began, in all processes. Absent at the gate. */
  readonly underWay?: number;
  /** Commands that it met, where it is one that meets single commands. */
  readonly commands?: number;
}

/** JSON. */
export interface History<T extends SystemTypes> {
  /** The unit of its times: milliseconds, or steps of the gate, of which the whole ones are replies. */
  readonly unit: 'ms' | 'steps';
  readonly operations: readonly Operation<T>[];
  /** In a transaction, a claim may have been undone. */
  readonly claims: readonly T['claim'][];
  /** What went wrong on purpose. Absent where nothing did. */
  readonly faults?: readonly Fault[];
  /** Attempts that the database undid. */
  readonly conflicts: number;
  /** Calls that found, after a conflict, that another call had won. */
  readonly lostRaces: number;
}
