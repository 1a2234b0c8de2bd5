import {
  formatRun,
  InterleaveError,
  type FaultKind,
  type Progress,
  type RunResult as Schedule,
} from 'mongo-interleave';
import type { Violation } from '../checker/violation.ts';
import { noStorm, type Explored, type RunResult } from '../report/run-result.ts';
import { subjectOptions } from '../subjects/index.ts';
import { whyEnded } from '../why-ended.ts';
import { BrokenPromises } from './broken-promises.ts';
import { closedBy } from './closed-by.ts';
import { faultsAt } from './faults.ts';
import { openRace, type RaceOptions } from './open-race.ts';

/** An exploration, before it has run. */
export interface PlannedExploration extends RaceOptions {
  /** What goes wrong, once in each run, at any command of the first client of each service; others are its rivals. Default: nothing. */
  readonly faults?: readonly FaultKind[];
  /** Only schedules in which another client goes on at most so often though the one before it could have. Default: all. */
  readonly preemptionLimit?: number;
  /** What must come out; undefined where nothing is promised. */
  readonly expected: RunResult['expected'];
}

export interface ExploreLimits {
  /** Stop after this many violated classes. */
  readonly violationLimit: number;
  /** Ends the exploration in the middle. */
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
  /** Holds the token of the schedule at hand. */
  readonly tokenFile?: string;
}

/** Runs a schedule of each class of equivalent ones, and judges each. What ended early proves nothing, unless it was violated. */
export async function exploreRace(
  uri: string,
  planned: PlannedExploration,
  { violationLimit, signal, onProgress, tokenFile }: ExploreLimits,
): Promise<RunResult> {
  const row = toRow(planned);
  if (signal.aborted) return { ...row, verdict: 'unknown', reason: 'not run' };
  await using race = await openRace(uri, planned, tokenFile);
  if (signal.aborted) return { ...row, verdict: 'unknown', reason: 'not run' };
  const { interleaving } = race;
  const violated: Schedule<string>[] = [];
  let last: Progress = { classes: 0, cut: 0, runs: 0, seconds: 0, fractionDone: 0 };
  let complete = false;
  let simplest: Schedule<string> | undefined;
  try {
    await closedBy(signal, interleaving, async () => {
      ({ complete } = await interleaving.explore({
        timeLimitMs: Infinity,
        runLimit: Infinity,
        violationLimit,
        ...faultsAt(race.firstClients, planned.faults ?? []),
        ...(planned.preemptionLimit === undefined ? {} : { preemptionLimit: planned.preemptionLimit }),
        onClass: (schedule) => {
          if (schedule.verdict.kind === 'violated') violated.push(schedule);
        },
        onProgress: (progress) => {
          last = progress;
          onProgress?.(progress);
        },
      }));
      const first = shortestOf(violated);
      if (first !== undefined) simplest = await interleaving.shrink(first.token);
    });
  } catch (error) {
    if (!(signal.aborted && error instanceof InterleaveError)) throw error;
  }
  simplest ??= shortestOf(violated);
  const { classes, cut, runs } = last;
  const explored = { ...row, durationMs: last.seconds * 1_000, exploration: { classes, cut, runs, complete } };
  if (simplest !== undefined) return withViolation(explored, simplest, planned);
  return complete ? { ...explored, verdict: 'valid' } : { ...explored, verdict: 'unknown', reason: whyEnded(signal) };
}

const shortestOf = (all: readonly Schedule<string>[]): Schedule<string> | undefined =>
  all.toSorted((one, other) => one.token.length - other.token.length)[0];

function withViolation(
  row: Row & { exploration: Explored },
  schedule: Schedule<string>,
  planned: RaceOptions,
): RunResult {
  const { token } = schedule;
  return {
    ...row,
    verdict: 'violated',
    violations: violationsOf(schedule),
    exploration: { ...row.exploration, token, trace: formatRun(schedule) },
    reproduce: replayCommand(token, planned),
  };
}

/** What a schedule broke. @throws what its check threw for another reason */
export function violationsOf({ verdict }: Schedule<string>): readonly Violation[] {
  if (verdict.kind === 'valid') return [];
  if (verdict.error instanceof BrokenPromises) return verdict.error.violations;
  throw verdict.error;
}

const selection = ({ subject, scenario, adapter, callers }: RaceOptions): string =>
  `${subjectOptions(subject)} --scenario ${scenario.name} --adapter ${adapter} --callers ${callers}`;

const replayCommand = (token: string, race: RaceOptions): string => `pnpm stress replay ${token} ${selection(race)}`;

const exploreCommand = ({ faults, preemptionLimit, ...race }: PlannedExploration): string =>
  [
    `pnpm stress explore ${selection(race)}`,
    ...(faults === undefined ? [] : [`--faults ${faults.join(',')}`]),
    ...(preemptionLimit === undefined ? [] : [`--preemption-limit ${preemptionLimit}`]),
  ].join(' ');

type Row = Omit<RunResult, 'verdict'>;

function toRow(planned: PlannedExploration): Row {
  const { subject, scenario, adapter, callers, expected, faults, preemptionLimit } = planned;
  return {
    scenario: scenario.name,
    subject: subject.name,
    adapter,
    processes: callers + (scenario.hasOperator === true ? 1 : 0),
    callers: callers + (subject.coalesces === true ? 1 : 0),
    expected,
    ...(faults === undefined ? {} : { faults }),
    ...(preemptionLimit === undefined ? {} : { preemptionLimit }),
    ...noStorm,
    reproduce: exploreCommand(planned),
  };
}
