import { formatRun } from 'mongo-interleave';
import type { Row } from '../report/row.ts';
import { whyEnded } from '../report/why-ended.ts';
import type { System } from '../system/system.ts';
import type { SystemTypes } from '../system/system-types.ts';
import { exploreCommand, replayCommand } from '../trial/command-of.ts';
import { resolveTrial } from '../trial/resolve-trial.ts';
import type { ExplorationTrial } from '../trial/trial.ts';
import { expectToFit } from './gated-scenario.ts';
import type { ScheduleJudgement } from './judge.ts';
import type { ExplorationRun } from './run.ts';

/** The row of an exploration. What the signal ended early proves nothing, unless an invariant was broken. */
export function reportExploration<T extends SystemTypes>(
  system: System<T>,
  command: string,
  trial: ExplorationTrial,
  { progress, complete, conditions, simplest }: ExplorationRun,
  { violations }: Pick<ScheduleJudgement<T>, 'violations'>,
  signal: AbortSignal,
): Row {
  const { classes, redundant, runs, seconds } = progress;
  const exploration = { classes, redundant, runs, complete, conditions, durationMs: seconds * 1_000 };
  const head = headOf(system, command, trial);
  if (simplest !== undefined)
    return {
      ...head,
      verdict: 'violated',
      violations,
      exploration: { ...exploration, token: simplest.token, trace: formatRun(simplest) },
      reproduce: replayCommand(command, simplest.token, trial),
    };
  if (complete) return { ...head, verdict: 'valid', violations, exploration };
  return { ...head, verdict: 'unknown', reason: whyEnded(signal), violations, exploration };
}

/** The row of an exploration that was not run, or not to its end. */
export const reportNoExploration = <T extends SystemTypes>(
  system: System<T>,
  command: string,
  trial: ExplorationTrial,
  why: Pick<Row, 'reason' | 'failure'>,
): Row => ({ ...headOf(system, command, trial), verdict: 'unknown', ...why, violations: [] });

function headOf<T extends SystemTypes>(
  system: System<T>,
  command: string,
  trial: ExplorationTrial,
): Pick<Row, 'trial' | 'processes' | 'callers' | 'judged' | 'reproduce'> {
  const resolved = resolveTrial(system, trial);
  const { clients } = expectToFit(resolved)(trial.callers, resolved.flow.shares === true);
  return {
    trial,
    judged: resolved.judged,
    processes: clients.length,
    callers: clients.reduce((sum, client) => sum + ('calls' in client ? client.calls.length : 0), 0),
    reproduce: exploreCommand(command, trial),
  };
}
