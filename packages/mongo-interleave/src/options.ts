import type { Db, MongoClient, MongoClientOptions } from 'mongodb';
import type { Outcome, RunResult } from './run-result.ts';

/** One caller, as its flow sees it. */
export interface FlowClient {
  /** 0 to n-1. */
  readonly index: number;
  /** `A` is client 0. */
  readonly letter: string;
  /** Its own client, connected through its own port of the gate. */
  readonly mongo: MongoClient;
  /** The port, for a flow that runs elsewhere. Such a client must send one command at a time. */
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
  /** Fields whose scalar values traces may show. Default none: `_id` only. */
  readonly showFields?: readonly string[];
  /** Options of the gated clients, such as `retryWrites`. Compression is switched off whatever they say. */
  readonly clientOptions?: MongoClientOptions;
  /** Watchdog of a single wait, in milliseconds; default 10,000. It fails a run and never decides one. */
  readonly waitLimitMs?: number;
  /** Most releases in one run; default 1,000. A flow that retries for ever ends with `step-limit`. */
  readonly stepLimit?: number;
}

export interface ExploreOptions<T> {
  /** Give up after this many runs, cut ones included; default 10,000. */
  readonly runLimit?: number;
  /** Give up after this many milliseconds, when the run at hand is over; default 60,000. */
  readonly timeLimitMs?: number;
  /** Stop after this many violated runs; default: go on to the end. */
  readonly violationLimit?: number;
  /** Called with each class's run. */
  readonly onClass?: (result: RunResult<T>) => void;
}
