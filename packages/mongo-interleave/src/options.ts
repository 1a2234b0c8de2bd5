import type { Db, MongoClient, MongoClientOptions } from 'mongodb';
import type { Outcome, RunResult } from './run-result.ts';
import type { FaultKind } from './schedule/token.ts';
import type { TraceStep } from './schedule/trace.ts';

/** One caller, as its flow sees it. */
export interface FlowClient {
  /** 0 to n-1. */
  readonly index: number;
  /** `A` is client 0. */
  readonly letter: string;
  /** 0, and one more after each crash: a fresh client then begins the flow again. */
  readonly life: number;
  /** Its own client, connected through its own port of the gate. */
  readonly mongo: MongoClient;
  /** Its port, another one in each life, for a flow that runs elsewhere. Such a client must send one command at a time. */
  readonly uri: string;
}

/** A scenario: a start state, what each client does, and what must be true afterwards. */
export interface InterleaveOptions<T> {
  /** A replica set or a single server without TLS and authentication; the gate goes in front of its primary. */
  readonly uri: string;
  /** Name of the database that the flows and `reset` use. */
  readonly database: string;
  /** 1 to 26. */
  readonly clients: number;
  /** Makes the start state, past the gate, before each run. Should keep collections and indexes: making them is slow. */
  readonly reset: (db: Db) => Promise<void>;
  /**
   * What one client does. Only commands decide here: a flow that draws random numbers or looks at the time takes other
   * ways in other runs, and the replay says so. A flow may send several commands at once.
   */
  readonly flow: (client: FlowClient, db: Db) => Promise<T>;
  /** Looks at the data, past the gate, and at how the clients ended. Throws when something is violated. */
  readonly check: (db: Db, outcomes: readonly Outcome<T>[]) => Promise<void> | void;
  /** Told of each step before the next one is chosen, with the database past the gate: for looking at what is committed meanwhile. */
  readonly onStep?: (step: TraceStep, db: Db) => Promise<void> | void;
  /** Fields whose scalar values traces may show. Default none: `_id` only. */
  readonly showFields?: readonly string[];
  /** Options of the gated clients, such as `retryWrites`. Compression is switched off whatever they say. */
  readonly clientOptions?: MongoClientOptions;
  /**
   * How often a client whose transaction met a write conflict may begin again while the other one is still open. Default 0: it
   * waits at the gate for the other one's end, for it would only meet the same again.
   */
  readonly retriesAtOnce?: number;
  /**
   * What becomes of a transaction that a crashed client has open. `end` (default): ended at once with `killSessions`, as its
   * server would in time; `leave`: whoever needs its documents waits until the server ends it (`transactionLifetimeLimitSeconds`).
   */
  readonly crashedTransactions?: 'end' | 'leave';
  /** With which code the server refuses a command where an `error` is wanted. Default 189, PrimarySteppedDown. Needs `enableTestCommands`. */
  readonly errorCode?: number;
  /** A file whose first line is the token of the run at hand, written before each release, for a process that does not live to tell it. Further lanes write to `_2`, `_3`. */
  readonly tokenFile?: string;
  /** Watchdog of a single wait, in milliseconds; default 10,000. It fails a run and never decides one. */
  readonly waitLimitMs?: number;
  /** Most releases in one run; default 1,000. A flow that retries for ever ends with `step-limit`. */
  readonly stepLimit?: number;
}

/** How far a search came. */
export interface Progress {
  readonly classes: number;
  readonly cut: number;
  readonly runs: number;
  readonly seconds: number;
  /** From 0 to 1, by the choices that are left on the way of each run: the mean over all orders of the search, so it may mislead. */
  readonly fractionDone: number;
}

/** What may go wrong, once in each run. */
export interface FaultOptions {
  readonly kinds: readonly FaultKind[];
  /** Whose commands; default all clients'. */
  readonly clients?: readonly number[];
  /** Most faults in one run; default 1. */
  readonly limit?: number;
}

export interface ExploreOptions<T> {
  /** Default: nothing goes wrong. */
  readonly faults?: FaultOptions;
  /**
   * Only schedules in which so many times at most another client goes on though the one before it could have. Equivalent ones
   * are then run more than once. Default: no limit.
   */
  readonly preemptionLimit?: number;
  /** Run each schedule twice, and throw `nondeterministic` when they differ. Default false. */
  readonly twice?: boolean;
  /** Give up after this many runs, cut ones included; default 10,000. */
  readonly runLimit?: number;
  /** Give up after this many milliseconds, when the run at hand is over; default 60,000. */
  readonly timeLimitMs?: number;
  /** Stop after this many violated runs; default: go on to the end. */
  readonly violationLimit?: number;
  /**
   * Databases to run on at once; default 1. The others are called like `database` with `_2`, `_3` behind it, and `reset` and `check` get
   * them in their turn; a flow that keeps something outside the database must keep it for each `db` of its own.
   */
  readonly lanes?: number;
  /** Where the search is written every few seconds; it goes on from there when the file exists, and is deleted at the end. */
  readonly checkpointFile?: string;
  /** Called after each run. */
  readonly onProgress?: (progress: Progress) => void;
  /** Called with each class's run. */
  readonly onClass?: (result: RunResult<T>) => void;
}
