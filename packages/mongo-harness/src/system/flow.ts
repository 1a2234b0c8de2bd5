import type { FaultKind } from 'mongo-interleave';
import type { Db, MongoClientOptions } from 'mongodb';
import type { JudgedStates } from './judged-states.ts';
import type { Protocol } from './protocol.ts';
import type { Size } from './scenario.ts';
import type { FaultStep, StormFault } from './storm-fault.ts';
import type { NoAnswer, SystemTypes } from './system-types.ts';

/** What is known of a flow before it runs. */
export interface FlowDescription {
  readonly name: string;
  /** One line: what the flow does, and for a mutant what is wrong with it. */
  readonly about: string;
  readonly expected: 'valid' | 'violated';
  /** The rows of the default storms; a mutant must be caught in each of them. */
  readonly storms: readonly StormPlace[];
  /** The rows of storms that go on, of `--for` and `--fault`. Default: `storms` for the first flow and a named one, none for others. */
  readonly longStorms?: readonly StormPlace[];
  /** The rows of the default explorations; a mutant must be caught in each of them. */
  readonly explorations: readonly ExplorationPlace[];
  /** Calls under way at once in each process, where more would measure nothing but their crowding. Default: all. */
  readonly maxConcurrency?: number;
  /**
   * The flow answers each call in so many milliseconds, or says that it does: storms judge it, as the invariant `in-time`, and reports show it
   * beside the longest call. Default: says nothing.
   */
  readonly deadlineMs?: number;
  /** A call ends when its caller gives up, or by a deadline of the caller's own. Default: false; the faults `abort` and `tiny-deadline` do not meet it. */
  readonly takesPatience?: boolean;
  /** Default: `every-commit`. */
  readonly judged?: JudgedStates;
  /** Makes the calls of operators too. Default: false. */
  readonly operates?: boolean;
  /** Callers in one process may share their work. Default: false. */
  readonly shares?: boolean;
}

/** The code under test. */
export interface Flow<T extends SystemTypes> extends FlowDescription {
  /** Options of the client that all callers of a process share, in storms. Default: the driver's. */
  readonly clientOptions?: Pick<MongoClientOptions, 'retryReads' | 'retryWrites'>;
  readonly open: (db: Db, service: T['service'], observer: Observer<T>, surroundings: Surroundings) => OpenFlow<T>;
}

/** A flow that is known to be wrong, for one reason. A harness is believed only when it is seen to catch its mutants. */
export interface Mutant<T extends SystemTypes> extends Flow<T> {
  readonly expected: 'violated';
  /** The invariants that the detection table must see broken; other rows count a mutant as caught by any. */
  readonly breaks: readonly [string, ...string[]];
  /** One more than the preemptions of the simplest schedule that shows the defect; a fault of its place comes on top. */
  readonly depth: number;
  /** The first place is the one of the detection table. */
  readonly explorations: readonly [ExplorationPlace, ...ExplorationPlace[]];
  /** Storms with a fault that must catch it too. Default: none. */
  readonly faultStorms?: readonly FaultPlace[];
}

/** A flow that is known to be wrong, for one reason, and right in every interleaving as long as nothing goes wrong. */
export interface FaultMutant<T extends SystemTypes> extends Flow<T> {
  readonly expected: 'violated';
  /** Of which each of its storms must see one broken: invariants of the system, or what must hold after a fault, as `served-again`. */
  readonly breaks: readonly [string, ...string[]];
  readonly explorations: readonly [];
  /** Storms with a fault that must catch it. */
  readonly faultStorms: readonly [FaultPlace, ...FaultPlace[]];
}

/** A flow that runs in processes of its own, started by the command of `--exec`. */
export interface ProgramFlow<T extends SystemTypes> extends FlowDescription {
  readonly protocol: Protocol<T>;
}

export type AnyMutant<T extends SystemTypes> = Mutant<T> | FaultMutant<T>;

export type AnyFlow<T extends SystemTypes> = Flow<T> | AnyMutant<T> | ProgramFlow<T>;

/** Where a storm puts a flow to the test. */
export interface StormPlace {
  readonly scenario: string;
  readonly deployment: string;
  /** Default: 1. */
  readonly processes?: number;
  /** The storm goes on in rounds until each of these has gone wrong once. Default: one round, and nothing goes wrong. */
  readonly faults?: readonly FaultStep[];
}

/** A storm that goes on, with one kind of fault in its rounds. */
export interface FaultPlace extends Omit<StormPlace, 'faults'> {
  readonly fault: StormFault;
  /** Default: the scenario's. */
  readonly size?: Size;
}

/** Where an exploration puts a flow to the test. */
export interface ExplorationPlace {
  readonly scenario: string;
  readonly deployment: string;
  /** Clients that call, each standing for a process; an operator's client comes on top. */
  readonly callers: number;
  /** One of these happens once in each run, at any command of the first client of each service. Default: none. */
  readonly faults?: readonly FaultKind[];
  /** At most this many preemptions: switches away from a client that still had a command ready. Default: no limit. */
  readonly maxPreemptions?: number;
}

/** A flow on one database, as one process runs it. */
export interface OpenFlow<T extends SystemTypes> {
  /** A rejection is recorded as the answer `error` with code `unexpected`. */
  call(caller: number, call: T['call'], patience?: Patience): Promise<T['answer'] | NoAnswer>;
  /** Which calls take the patience of their callers, where the flow does. Default: all. */
  readonly hasPatience?: (call: T['call']) => boolean;
  /** Resolves when nothing is under way any more, for a flow that goes on after its answer. Default: none does. */
  readonly idle?: () => Promise<unknown>;
}

/** How long one caller waits. */
export interface Patience {
  /** Fires when the caller gives up. The answer is then whatever is known: most often, that it is not known whether the call was done. */
  readonly signal: AbortSignal;
  /** In milliseconds, in the place of the flow's. Default: the flow's. */
  readonly deadlineMs?: number;
}

/** Where a flow reports what the checker and the reader want to know. */
export interface Observer<T extends SystemTypes> {
  claimed(claim: T['claim']): void;
  /** The database undid an attempt. */
  conflicted(): void;
  /** After a conflict, another call was found to have won. */
  lostRace(): void;
}

/** Where a flow runs. */
export interface Surroundings {
  /**
   * Each command waits at a gate, and the schedule alone decides. A flow that draws lots, has timers of its own or looks what other
   * clients are at would take other ways when the schedule is run again.
   */
  readonly gated: boolean;
  /** How a flow with processes of its own reaches the database. */
  readonly uri: string;
  /** At the gate: the logical client that the flow runs for. */
  readonly client?: number;
}

export const isMutant = <T extends SystemTypes>(flow: AnyFlow<T>): flow is AnyMutant<T> => flow.expected === 'violated';

/** Whether some interleaving shows what is wrong with it. */
export const isExplored = <T extends SystemTypes>(mutant: AnyMutant<T>): mutant is Mutant<T> =>
  mutant.explorations.length > 0;

export const isProgram = <T extends SystemTypes>(flow: AnyFlow<T>): flow is ProgramFlow<T> => 'protocol' in flow;
