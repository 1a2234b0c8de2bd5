import type { Db, MongoClientOptions } from 'mongodb';
import {
  expectAboveZero,
  expectBoolean,
  expectCount,
  expectFunction,
  expectInteger,
  expectList,
  expectOneOf,
  expectOptions,
  expectText,
  given,
  shown,
  type Names,
} from '../check-option.ts';
import { MAX_CLIENTS } from '../gate/gate.ts';
import type { GatedClient } from '../gate/gated-client.ts';
import { InterleaveError } from '../interleave-error.ts';
import type { ClockOptions } from './clock.ts';
import type { Outcome } from './execution.ts';
import type { TraceStep } from './trace-step.ts';

/** One client, as its flow sees it. */
export interface FlowClient extends Pick<GatedClient, 'index' | 'letter' | 'mongo' | 'uri' | 'track' | 'remote'> {
  /** 0 at the start of a run. Each crash adds 1: a fresh client then starts the flow again. */
  readonly life: number;
  /**
   * The time of the scenario's clock, read through the gate: a command like any other.
   *
   * @throws InterleaveError `invalid-option` without the option `clock`
   */
  readonly now: () => Promise<Date>;
}

/**
 * A scenario: a start state, what each client does, and what must hold afterwards.
 *
 * @typeParam T what a flow returns
 * @typeParam P what `prepare` returns
 */
export interface InterleaveOptions<T, P = undefined> {
  /** A replica set or a single server, without TLS and without authentication. The gate is placed in front of the primary. */
  readonly uri: string;
  /** Name of the database that `reset`, `flow` and `check` get. */
  readonly database: string;
  /** Number of clients, 1 to 26. */
  readonly clients: number;
  /**
   * Makes the start state before each run. Its `db` bypasses the gate. If it throws, the call fails with `reset-failed`; a search tries
   * again first, but for its first run, and ends when it has failed three times in a row. Should keep collections and indexes from run to run, because
   * making them takes longer than a run.
   */
  readonly reset: (db: Db) => Promise<void>;
  /**
   * Called once in each life of a client, before its flow is entered for the first time, also after a crash. Its commands pass the gate:
   * they are no steps. For what a program does when it starts: connecting another driver (with `client.track`), building models and
   * indexes, warming caches. What it returns is handed to the flow in each run. The data that it finds are those that `reset` makes; after
   * a crash, those of that moment. Takes at most `maxWaitMs`; if it fails, the call fails with `prepare-failed`. After a crash, the verdict
   * of the run is unknown instead.
   */
  readonly prepare?: (client: FlowClient, db: Db) => Promise<P>;
  /**
   * Ends what `prepare` returned, when the life or the session ends. Default: its `Symbol.asyncDispose` or `Symbol.dispose`, if it has one.
   * Tracked clients are closed in any case. What it throws is told when the session closes (`callback-failed`), because a life that is over
   * has no part in any run.
   */
  readonly dispose?: (prepared: P, client: FlowClient) => Promise<void> | void;
  /**
   * Ends all lives after each run, and prepares new ones before the next: nothing that `prepare` made, and no thread of `inThreads`, keeps
   * anything in memory from run to run. Default false. Costs the connecting and preparing in each run.
   */
  readonly freshLives?: boolean;
  /**
   * What one client does. May send several commands at once. Everything but the replies must be the same in each run: a flow that
   * looks at the time or at random numbers may send other commands in the replay, which then throws `diverged`.
   */
  readonly flow: (client: FlowClient, db: Db, prepared: P) => Promise<T>;
  /**
   * A clock that flows ask with `client.now()` and that moves on where the schedule decides it: for leases, expiry dates and stamps. The
   * clock is one more client, with the letter after those of `clients`, and each tick is a step of it, so a token places the ticks.
   * Without a clock, time that a flow takes from elsewhere counts as standing still.
   */
  readonly clock?: ClockOptions;
  /** Checks the data and the outcomes after each run. Throws if something is violated. Its `db` bypasses the gate. */
  readonly check: (db: Db, outcomes: readonly Outcome<T>[]) => Promise<void> | void;
  /**
   * Called after each step, before the next one is chosen. Its `db` bypasses the gate and shows what is committed by then. If it throws,
   * the run is violated, and goes on to its end; the trace shows at which step it threw first. Takes at most `maxWaitMs`.
   */
  readonly onStep?: (step: TraceStep, db: Db) => Promise<void> | void;
  /**
   * Fields whose values traces show, besides `_id`, such as `state` or `profile.mail`. A path leads through arrays of documents too. A
   * named field shows its scalars and arrays of scalars; of the documents in it only fields that are named themselves. What flows return
   * is shown by the same rule: a text or a number by itself only if the trace shows it too. Default: none, because data may hold
   * credentials.
   */
  readonly showFields?: readonly string[];
  /** Shows what flows return, and the messages of their errors, as a whole. For flows whose results hold no credentials. Default false. */
  readonly showResults?: boolean;
  /** Options of the gated clients, such as `retryWrites`. Compression is always off. */
  readonly clientOptions?: MongoClientOptions;
  /**
   * How often a client may restart its transaction after a write conflict while the conflicting transaction is still open. Default 0:
   * the client waits at the gate until the other transaction ends, because an earlier retry meets the same conflict again.
   */
  readonly retriesAtOnce?: number;
  /**
   * What happens to the open transaction of a crashed client. `end` (default): it is ended at once with `killSessions`. `leave`: the
   * other clients wait for it until the server ends it, after `transactionLifetimeLimitSeconds`.
   */
  readonly crashedTransactions?: 'end' | 'leave';
  /** The error code of the fault `error`. Default 189, PrimarySteppedDown. The server needs `enableTestCommands`. */
  readonly errorCode?: number;
  /**
   * The token of the schedule being run is saved to this file before each step, so that the schedule can be replayed even if the
   * process is killed. Further workers write to files with `_2`, `_3` and so on appended.
   */
  readonly tokenFile?: string;
  /** All clients may throw in all runs. Default false: an exploration in which no client ever returned throws `all-threw`. */
  readonly mayAllThrow?: boolean;
  /** Longest single wait for a client or for the server, in milliseconds. Default 10,000. After that the verdict is unknown (`watchdog`). */
  readonly maxWaitMs?: number;
  /** Most steps in one run. Default 1,000. After that the run is violated (`never-ends`): the flow probably retries forever. */
  readonly maxSteps?: number;
}

const OPTIONS: Names<InterleaveOptions<unknown>> = {
  uri: true,
  database: true,
  clients: true,
  reset: true,
  prepare: true,
  dispose: true,
  freshLives: true,
  flow: true,
  clock: true,
  check: true,
  onStep: true,
  showFields: true,
  showResults: true,
  clientOptions: true,
  retriesAtOnce: true,
  crashedTransactions: true,
  errorCode: true,
  tokenFile: true,
  mayAllThrow: true,
  maxWaitMs: true,
  maxSteps: true,
};
const CLOCK_OPTIONS: Names<ClockOptions> = { start: true, ticksMs: true };

const SYSTEM_DATABASES = ['admin', 'config', 'local'];

/** @throws InterleaveError `invalid-option`, naming the first option that is missing, unknown or wrong */
export function expectInterleaveOptions<T, P>(options: InterleaveOptions<T, P>): void {
  expectOptions('interleave', options, OPTIONS);
  const { uri, database, clients, reset, flow, check, prepare, dispose, onStep, clock } = options;
  const { freshLives, showResults, mayAllThrow, showFields, tokenFile, crashedTransactions } = options;
  const { retriesAtOnce, errorCode, maxWaitMs, maxSteps } = options;
  expectText({ uri, database });
  if (SYSTEM_DATABASES.includes(database))
    throw new InterleaveError(
      'invalid-option',
      `database must be one of its own, which reset may empty, not ${shown(database)}.`,
    );
  if (/[\s/\\."$*<>:|?\0]/.test(database))
    throw new InterleaveError(
      'invalid-option',
      `database must be a name without blanks, dots and slashes, not ${shown(database)}.`,
    );
  expectInteger({ clients }, 1, clock === undefined ? MAX_CLIENTS : MAX_CLIENTS - 1);
  expectFunction({ reset, flow, check, ...given({ prepare, dispose, onStep }) });
  expectBoolean(given({ freshLives, showResults, mayAllThrow }));
  expectList(given({ showFields }));
  expectText(given({ tokenFile }));
  expectOneOf(given({ crashedTransactions }), ['end', 'leave']);
  expectCount(given({ retriesAtOnce }));
  expectInteger(given({ errorCode, maxSteps }), 1);
  expectAboveZero(given({ maxWaitMs }));
  if (clock === undefined) return;
  expectOptions('clock', clock, CLOCK_OPTIONS);
  expectList({ 'clock.ticksMs': clock.ticksMs });
  for (const ticksMs of clock.ticksMs) expectAboveZero({ 'each of clock.ticksMs': ticksMs });
}
