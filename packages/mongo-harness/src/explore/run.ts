import { InterleaveError, type Condition, type Progress, type RunResult } from 'mongo-interleave';
import type { System } from '../system/system.ts';
import type { SystemTypes } from '../system/system-types.ts';
import type { ExplorationTrial } from '../trial/trial.ts';
import { closedBy } from './closed-by.ts';
import { faultsAt } from './faults.ts';
import { openGatedScenario } from './gated-scenario.ts';
import { isBroken } from './judge.ts';

export interface ExplorationLimits {
  /** Stop after this many violated classes. */
  readonly maxViolations: number;
  /** Ends the exploration in the middle. */
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
  /** Holds the token of the schedule being run. */
  readonly tokenFile?: string;
}

/** An exploration that is over, or was ended by the signal. */
export interface ExplorationRun {
  readonly progress: Progress;
  /** There is no further class. */
  readonly complete: boolean;
  /** What `complete` does not cover. */
  readonly conditions: readonly Condition[];
  /** The simplest schedule found that breaks an invariant. */
  readonly simplest?: RunResult<string>;
}

const NOTHING_YET: Progress = { classes: 0, redundant: 0, runs: 0, seconds: 0, fractionDone: 0 };

/**
 * Runs one schedule of each class of equivalent schedules; of those that break an invariant it looks for a simple one.
 *
 * @throws what kept a schedule from a verdict, where no invariant was seen broken
 */
export async function runExploration<T extends SystemTypes>(
  system: System<T>,
  uri: string,
  trial: Omit<ExplorationTrial, 'expected'>,
  { maxViolations, signal, onProgress, tokenFile }: ExplorationLimits,
): Promise<ExplorationRun> {
  await using scenario = await openGatedScenario(system, uri, trial, tokenFile === undefined ? {} : { tokenFile });
  const { session, firstClients, judged } = scenario;
  const { faults, maxPreemptions } = trial;
  const broken: RunResult<string>[] = [];
  let unjudged: Failed | undefined;
  let progress = NOTHING_YET;
  let complete = false;
  let conditions: readonly Condition[] = [];
  let simplest: RunResult<string> | undefined;
  try {
    if (!signal.aborted)
      await closedBy(signal, session, async () => {
        ({ complete, conditions } = await session.explore({
          maxDurationMs: Infinity,
          maxRuns: Infinity,
          maxViolations,
          everyState: judged === 'every-commit',
          ...faultsAt(firstClients, faults),
          ...(maxPreemptions === undefined ? {} : { maxPreemptions }),
          onClass: (schedule) => {
            if (isBroken(schedule)) broken.push(schedule);
            else if (schedule.verdict.kind !== 'valid') unjudged ??= schedule.verdict;
          },
          onProgress: (now) => {
            progress = now;
            onProgress?.(now);
          },
        }));
        const first = shortestOf(broken);
        if (first !== undefined) simplest = await session.shrink(first.token);
      });
  } catch (error) {
    if (!(signal.aborted && error instanceof InterleaveError)) unjudged ??= { error };
  }
  if (simplest === undefined || !isBroken(simplest)) simplest = shortestOf(broken);
  // What was found stays found, whatever went wrong after it.
  if (simplest === undefined && unjudged !== undefined) throw unjudged.error;
  complete &&= unjudged === undefined;
  return { progress, complete, conditions, ...(simplest === undefined ? {} : { simplest }) };
}

/** Something that was thrown, by a run or by the check of one. */
interface Failed {
  readonly error: unknown;
}

const shortestOf = (all: readonly RunResult<string>[]): RunResult<string> | undefined =>
  all.toSorted((one, other) => one.token.length - other.token.length)[0];
