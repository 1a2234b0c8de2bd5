import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Context } from '../report/context.ts';
import type { Row } from '../report/row.ts';
import { runRows } from '../report/run-rows.ts';
import type { SystemTypes } from '../system/system-types.ts';
import type { ExplorationTrial } from '../trial/trial.ts';
import { judgeSchedule } from './judge.ts';
import { reportExploration, reportNoExploration } from './report.ts';
import { runExploration, type ExplorationLimits } from './run.ts';

export interface ExplorationRowsOptions {
  /** Of one row; see {@link ExplorationLimits}. */
  readonly maxViolations: number;
  /** The folder that holds the token of the schedule being run; the file is left there when this process dies. */
  readonly store: string;
  /** Some rows of the command are over already. Default: false. */
  readonly hasRows?: boolean;
  /** Called as soon as a row is over. */
  readonly onRow?: (row: Row) => void;
}

/** Runs one exploration after the other, until all are over or the signal fires; the rows of the others are `unknown`. */
export async function runExplorations<T extends SystemTypes>(
  context: Context<T>,
  uriOf: (trial: ExplorationTrial) => Promise<string>,
  trials: readonly ExplorationTrial[],
  { maxViolations, store, hasRows = false, onRow }: ExplorationRowsOptions,
): Promise<Row[]> {
  const { system, command, signal, progress } = context;
  await mkdir(store, { recursive: true });
  try {
    return await runRows(trials, {
      signal,
      hasRows,
      run: async (trial, index) => {
        const { scenario, flow, deployment, callers } = trial;
        const head = `[${index + 1}/${trials.length}] ${scenario}, ${flow} on ${deployment}, ${callers} callers`;
        progress.show(head);
        const name = `current-schedule-${scenario}-${flow}-${deployment}-${callers}-${process.pid}.token`;
        const tokenFile = join(store, name);
        try {
          return await exploreTrial(context, await uriOf(trial), trial, {
            maxViolations,
            tokenFile,
            onProgress: ({ runs, fractionDone }) =>
              progress.show(`${head}: ${runs} runs, about ${Math.floor(100 * fractionDone)} %`),
          });
        } finally {
          await rm(tokenFile, { force: true });
        }
      },
      report: (trial, why) => reportNoExploration(system, command, trial, why),
      onRow: (row) => {
        progress.clear();
        onRow?.(row);
      },
    });
  } finally {
    progress.clear();
  }
}

/** Runs one exploration, judges what it found, and keeps the history of a violation. */
export async function exploreTrial<T extends SystemTypes>(
  { system, command, signal, evidence }: Pick<Context<T>, 'system' | 'command' | 'signal' | 'evidence'>,
  uri: string,
  trial: ExplorationTrial,
  limits: Omit<ExplorationLimits, 'signal'>,
): Promise<Row> {
  if (signal.aborted) return reportNoExploration(system, command, trial, { reason: 'not run' });
  const exploration = await runExploration(system, uri, trial, { ...limits, signal });
  const { violations, run } =
    exploration.simplest === undefined ? { violations: [] } : judgeSchedule<T>(exploration.simplest);
  const row = reportExploration(system, command, trial, exploration, { violations }, signal);
  return run === undefined ? row : await evidence.keep(row, run);
}
