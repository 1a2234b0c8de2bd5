import type { Db } from 'mongodb';
import type { Pool, Rotator } from 'rotation-core';
import type { PromiseName } from '../checker/violation.ts';
import type { Claim, ToldOutcome } from '../history.ts';

/** The flow under test, as one process runs it on one pool. */
export interface RunningFlow {
  /** @param incarnation the life of the key that failed; flows that know no lives take no notice */
  rotate(caller: number, keyId: string, incarnation?: string): Promise<ToldOutcome>;
  /** What operators do; flows of the services' past have nothing of the kind. */
  readonly operator?: Pick<Rotator, 'bind' | 'restoreBackup'>;
  /** Resolves when nothing is under way any more, for a flow that goes on after its answer. Default: none does. */
  readonly idle?: () => Promise<unknown>;
}

/** Where a flow runs. */
export interface Surroundings {
  /**
   * Each command waits at a gate, and the schedule alone decides: a flow that draws lots, has timers of its own or looks what other
   * clients are at would take other ways when the schedule is run again. Default: false.
   */
  readonly gated?: boolean;
  /** How the flow reaches the database where it does not run in this process. */
  readonly uri?: string;
  /** Which logical client it runs for, where each has a way to the database of its own. */
  readonly client?: number;
}

/** An empty database to try a flow on. */
export interface Rehearsal {
  readonly uri: string;
  readonly database: string;
  /** A pool's name. */
  readonly pool: string;
  /** Calls that will be under way at once. */
  readonly count: number;
}

/** Where a flow reports what the checker and the reader want to know. */
export interface Observer {
  claimed(claim: Claim): void;
  conflicted(): void;
  lostRace(): void;
}

export interface Subject {
  readonly name: string;
  /** One sentence: what it does, and for a known-bad flow what is wrong with it. */
  readonly about: string;
  /** `violated`: a known-bad flow. It must be caught in each of the runs of `caughtBy`. */
  readonly expected: 'valid' | 'violated';
  /** Callers under way at once in each process, where more would measure nothing but their crowding. Default: all. */
  readonly concurrency?: number;
  /** Its running flow has what operators need. Default: false. */
  readonly operates?: boolean;
  /** Callers in one process may share a transaction. Default: false. */
  readonly coalesces?: boolean;
  /** The command of a flow that runs in processes of its own. */
  readonly command?: string;
  /** Starts such processes and lets each make a call. @throws ProgramError when they don't do as they should */
  readonly rehearse?: (rehearsal: Rehearsal) => Promise<void>;
  /** Ends such processes. */
  readonly end?: () => Promise<void>;
  readonly open: (db: Db, pool: Pool, observer: Observer, surroundings?: Surroundings) => RunningFlow;
}

/** Every interleaving of the callers; the same with one of them dead at some command; or with the reply of one command lost. */
export type ExploringMode = 'exhaustive' | 'crash' | 'lost-reply';

/** Where exploring catches a flow, each time. */
export interface Shown {
  readonly scenario: string;
  readonly adapter: string;
  readonly callers: number;
  readonly mode: ExploringMode;
}

export interface KnownBadSubject extends Subject {
  readonly expected: 'violated';
  /** The promises that exploring must see broken. */
  readonly breaks: readonly [PromiseName, ...PromiseName[]];
  /** One more than the preemptions of the simplest schedule that shows it, where a fault of its mode's comes on top. */
  readonly depth: number;
  /** The storms that must catch it; none where only luck would. */
  readonly caughtBy: readonly { readonly scenario: string; readonly adapter: string }[];
  readonly shownBy: Shown;
}
