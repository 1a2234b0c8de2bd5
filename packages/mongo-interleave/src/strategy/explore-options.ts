import {
  expectAboveZero,
  expectBoolean,
  expectCount,
  expectFunction,
  expectInteger,
  expectList,
  expectOptions,
  expectText,
  given,
  type Names,
} from '../check-option.ts';
import { InterleaveError } from '../interleave-error.ts';
import type { RunResult } from '../run/result.ts';
import { expectFaultKinds, isFailover, type FaultKind } from '../schedule/token.ts';

/** How far an exploration has come. */
export interface Progress {
  /** Classes of equivalent schedules that were run so far. */
  readonly classes: number;
  /** Runs that turned out to be equivalent to an earlier run (sleep-set blocked). */
  readonly redundant: number;
  /** `classes` + `redundant`. */
  readonly runs: number;
  readonly seconds: number;
  /**
   * Estimated part of the search tree that is done, from 0 to 1. Assumes that the subtrees below one state are equally large, so the
   * estimate may be far off.
   */
  readonly fractionDone: number;
}

/** Which faults are injected. */
export interface FaultOptions {
  readonly kinds: readonly FaultKind[];
  /** The clients whose commands the faults hit. Default: all clients. */
  readonly clients?: readonly number[];
  /** Most faults in one run. Default 1. */
  readonly maxFaults?: number;
}

export interface ExploreOptions<T> {
  /** Explores with faults too. Default: no faults. */
  readonly faults?: FaultOptions;
  /**
   * At most this many preemptions: switches away from a client that still had a command ready. Equivalent schedules may then be run
   * more than once. Default: no limit.
   */
  readonly maxPreemptions?: number;
  /**
   * Two steps that both change committed data never commute, so each sequence of committed states is met. For an `onStep` that judges the
   * data: otherwise one order of two independent writes stands for the other, and the state between them in the other order is never
   * seen. Default false.
   */
  readonly everyState?: boolean;
  /**
   * Runs each schedule twice. Throws `nondeterministic` and shows the first difference if anything but the schedule influenced the
   * run. Default false.
   */
  readonly twice?: boolean;
  /** Stops after this many runs, redundant runs included. Default 10,000. */
  readonly maxRuns?: number;
  /** Stops after this many milliseconds, also in the middle of a run, which is then not counted. Default 60,000. */
  readonly maxDurationMs?: number;
  /** Stops after this many classes that are not valid. Default: no limit. */
  readonly maxViolations?: number;
  /**
   * Number of workers, each with a database of its own; 1 to 64, default 1. The other databases are named like `database` with `_2`,
   * `_3` and so on appended; `reset` and `check` get them too. A flow that keeps state outside the database must keep it per `db`.
   */
  readonly workers?: number;
  /**
   * The state of the search is saved to this file every few seconds. If the file exists, the search continues from there. The file is
   * deleted when the search is complete.
   */
  readonly checkpointFile?: string;
  /** Called after each run, and awaited. If it throws, the search ends with `callback-failed`. */
  readonly onProgress?: (progress: Progress) => unknown;
  /** Called with the run of each class, and awaited. If it throws, the search ends with `callback-failed`. */
  readonly onClass?: (result: RunResult<T>) => unknown;
}

const OPTIONS: Names<ExploreOptions<unknown>> = {
  faults: true,
  maxPreemptions: true,
  everyState: true,
  twice: true,
  maxRuns: true,
  maxDurationMs: true,
  maxViolations: true,
  workers: true,
  checkpointFile: true,
  onProgress: true,
  onClass: true,
};
const FAULT_OPTIONS: Names<FaultOptions> = { kinds: true, clients: true, maxFaults: true };

/** @throws InterleaveError `invalid-option` */
export function expectExploreOptions<T>(
  options: ExploreOptions<T>,
  { workers, clients }: { readonly workers: number; readonly clients: number },
): void {
  const where = 'explore';
  expectOptions(where, options, OPTIONS);
  const { maxRuns, maxDurationMs, maxViolations, maxPreemptions, faults } = options;
  const { everyState, twice, checkpointFile, onProgress, onClass } = options;
  expectAboveZero(given({ maxRuns, maxDurationMs, maxViolations }), where);
  expectCount(given({ maxPreemptions }), where);
  expectBoolean(given({ everyState, twice }), where);
  expectText(given({ checkpointFile }), where);
  expectFunction(given({ onProgress, onClass }), where);
  if (faults === undefined) return;
  expectFaultOptions(where, faults, clients);
  if (faults.kinds.includes('error') && workers > 1)
    throw new InterleaveError(
      'invalid-option',
      'The fault "error" sets a fail point on the server, which all workers share: use one worker.',
    );
  const failover = faults.kinds.find(isFailover);
  if (failover !== undefined && workers > 1)
    throw new InterleaveError(
      'invalid-option',
      `The fault "${failover}" gives all workers another primary, in the middle of their runs: use one worker.`,
    );
}

/** @throws InterleaveError `invalid-option` */
function expectFaultOptions(where: string, faults: FaultOptions, clients: number): void {
  expectOptions(`${where}: faults`, faults, FAULT_OPTIONS);
  expectList({ 'faults.kinds': faults.kinds }, where);
  expectFaultKinds(faults.kinds);
  expectCount(given({ 'faults.maxFaults': faults.maxFaults }), where);
  if (faults.clients === undefined) return;
  expectList({ 'faults.clients': faults.clients }, where);
  for (const client of faults.clients) expectInteger({ 'each of faults.clients': client }, 0, clients - 1, where);
}
