import { hasRaced } from '../history/contention.ts';
import { latencyByAnswer, type Row, type StormFigures } from '../report/row.ts';
import { isTimeOver, whyEnded } from '../report/why-ended.ts';
import type { StormPlan } from '../system/scenario.ts';
import { kindsOf } from '../system/storm-fault.ts';
import type { System } from '../system/system.ts';
import type { SystemTypes } from '../system/system-types.ts';
import { stormCommand } from '../trial/command-of.ts';
import { resolveTrial } from '../trial/resolve-trial.ts';
import type { StormTrial } from '../trial/trial.ts';
import type { StormJudgement } from './judge.ts';
import type { StormRun } from './run.ts';
import type { Tally } from './tally.ts';

/** The row of a storm that is over. @param command as in `pnpm stress` */
export function reportStorm<T extends SystemTypes>(
  system: System<T>,
  command: string,
  trial: StormTrial,
  plan: StormPlan<T>,
  { run, durationMs }: StormRun<T>,
  { contention, ...judgement }: StormJudgement,
): Row {
  return {
    ...headOf(system, command, trial, plan),
    ...judgement,
    storm: {
      answers: latencyByAnswer(run.history.operations),
      contention,
      columns: system.show?.columns?.(run) ?? {},
      statesBetween: run.commits?.length ?? run.between.length,
      durationMs,
    },
  };
}

/**
 * The row of a storm that went on in rounds. What it says is true of the rounds that were judged, also where the user ended it. It is valid only where each kind
 * of fault that was asked for has met calls under way.
 *
 * @param broken the rows of violated rounds @param failed what ended it before its time
 */
export function reportRounds<T extends SystemTypes>(
  system: System<T>,
  command: string,
  trial: StormTrial,
  plan: StormPlan<T>,
  tally: Tally<T>,
  { broken, failed, signal }: RoundsEnd,
): Row {
  const [first] = broken;
  const head = headOf(system, command, trial, plan);
  const storm = tally.figures();
  if (first !== undefined) {
    const { reproduce, history } = first;
    const violations = broken.flatMap((row) => row.violations);
    return {
      ...head,
      verdict: 'violated',
      violations,
      reproduce,
      storm,
      ...(history === undefined ? {} : { history }),
    };
  }
  if (failed.reason !== undefined) return { ...head, verdict: 'unknown', ...failed, violations: [], storm };
  const reason = whyUnknown(trial, storm, signal);
  if (reason === undefined) return { ...head, verdict: 'valid', violations: [], storm };
  return { ...head, verdict: 'unknown', reason, violations: [], storm };
}

/** Why rounds in which nothing was broken prove nothing; undefined where they do. Who ends a storm with Ctrl-C wants to know of the rounds before that. */
function whyUnknown(
  { rounds: asked }: StormTrial,
  { contention, rounds }: StormFigures,
  signal: AbortSignal,
): string | undefined {
  const ended = signal.aborted ? [whyEnded(signal)] : [];
  const raced = hasRaced(contention);
  const figures = new Map(rounds?.faults.map((fault) => [fault.kind, fault]));
  const missed = [...new Set(asked?.faults.flatMap(kindsOf))].flatMap((kind) => {
    const { made = 0, hit = 0 } = figures.get(kind) ?? {};
    if (made === 0) return [`no ${kind} was made`];
    return hit === 0 ? [`no ${kind} hit a call under way`] : [];
  });
  if (raced && missed.length === 0 && !isTimeOver(signal)) return undefined;
  const why = [...ended, ...(raced ? missed : [])];
  return why.length === 0 ? 'nothing raced' : why.join('; ');
}

/** How a storm of rounds ended. */
interface RoundsEnd {
  readonly broken: readonly Row[];
  readonly failed: Pick<Row, 'reason' | 'failure'>;
  readonly signal: AbortSignal;
}

/** The row of a storm that was not run, or not to its end. */
export const reportNoStorm = <T extends SystemTypes>(
  system: System<T>,
  command: string,
  trial: StormTrial,
  plan: StormPlan<T>,
  why: Pick<Row, 'reason' | 'failure'>,
): Row => ({ ...headOf(system, command, trial, plan), verdict: 'unknown', ...why, violations: [] });

const headOf = <T extends SystemTypes>(
  system: System<T>,
  command: string,
  trial: StormTrial,
  { calls }: StormPlan<T>,
): Pick<Row, 'trial' | 'processes' | 'callers' | 'judged' | 'reproduce'> => ({
  trial,
  judged: resolveTrial(system, trial).judged,
  processes: trial.processes,
  callers: calls.length,
  reproduce: stormCommand(command, trial),
});
