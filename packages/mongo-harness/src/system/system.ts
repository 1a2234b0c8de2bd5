import type { ClientSession, Db } from 'mongodb';
import type { Change } from './commit.ts';
import type { AnyFlow } from './flow.ts';
import type { Operation } from './history.ts';
import type { Matrix } from './matrix.ts';
import type { Run } from './run.ts';
import type { Scenario } from './scenario.ts';
import type { SystemTypes } from './system-types.ts';
import type { Violation } from './violation.ts';

/**
 * A system whose concurrent calls are tested: all that the harness needs to know of it. Maelstrom calls such a bundle a workload;
 * in Jepsen it is client, generator and checker.
 */
export interface System<T extends SystemTypes> {
  /** Lower-case letters, digits and `-`. Names databases and environment variables: `jobs` gives `jobs_...` and `JOBS_SEED`. */
  readonly name: string;
  /** What must hold, by the names that violations use, as in `{ J1: 'a job runs once' }`. */
  readonly invariants: Readonly<Record<string, string>>;
  readonly deployments: readonly [Deployment<T>, ...Deployment<T>[]];
  readonly scenarios: readonly Scenario<T>[];
  /** The flow that services use comes first; among the rest are mutants, and at most one flow that is a program. */
  readonly flows: readonly [AnyFlow<T>, ...AnyFlow<T>[]];
  /** The first flow with other settings. Default: none. */
  readonly matrix?: Matrix<T>;
  /** Creates collections and indexes in an empty database, and puts a start state in. */
  readonly fill: (db: Db, deployment: Deployment<T>, start: T['start']) => Promise<void>;
  /** Reads all documents. @param session to be given to each read, one after the other, where others may write meanwhile */
  readonly read: (db: Db, deployment: Deployment<T>, session?: ClientSession) => Promise<T['state']>;
  /**
   * A change of one document in the words of the invariants; undefined where it says nothing to them. With this, the harness tells `check`
   * all that was committed in a storm, by the server's log (`Run.commits`). Default: storms read some states meanwhile.
   */
  readonly toWrite?: (change: Change, deployment: Deployment<T>) => T['write'] | undefined;
  /** Pure. Names every broken invariant of a run. */
  readonly check: (run: Run<T>) => readonly Violation[];
  /** What the same caller asks next, where a planned call has `follow`. Default: nothing. */
  readonly next?: (call: T['call'], answer: Operation<T>['answer']) => T['call'] | undefined;
  /** What callers may expect again when the database is well again. */
  readonly recovery?: Recovery<T>;
  readonly show?: Show<T>;
}

/** After each fault, calls that were not served are asked again: when everything is mended, each must be served in time. */
export interface Recovery<T extends SystemTypes> {
  /** Whether an answer is one, and not a request to ask again later. Default: every answer but `crashed` and `error`. */
  readonly isServed?: (answer: Operation<T>['answer']) => boolean;
  /** What is asked again, where a call was not served. Default: the same call. */
  readonly probe?: (call: T['call']) => T['call'] | undefined;
  /**
   * What a caller asks who could not know whether its call was done, of a flow that `operates`: the same caller at once, when what it asks about may still be
   * under way, or be undone; and another one when all is mended, before any call is made again. What they are told is for `check` to judge.
   * Default: nothing.
   */
  readonly inquiry?: (call: T['call'], answer: Operation<T>['answer']) => T['call'] | undefined;
}

/** How a system's runs look in reports. */
export interface Show<T extends SystemTypes> {
  /** Further columns of a storm's row, as in `{ used: 1, wasted: 0 }`. The same names for each run. */
  readonly columns?: (run: Run<T>) => Readonly<Record<string, number>>;
  /** A call and its answer in a trace; the same text whenever a schedule is run again. Default: both as JSON. */
  readonly operation?: (call: T['call'], answer: Operation<T>['answer']) => string;
}

/** The services that callers come through, in turn. */
export interface Deployment<T extends SystemTypes> {
  readonly name: string;
  readonly services: readonly [T['service'], ...T['service'][]];
  /**
   * Fields whose values traces show, beside `_id`, in filters and inserted documents. Default: none, for data may hold credentials.
   */
  readonly traceFields?: readonly string[];
}
