/* A second entry: the steps of the commands, for tests of a system. */

/* The command line. */
export { isUsageError, parseCommandLine, type CommandLine } from './cli/command-line.ts';
export type { StressOptions } from './cli/stress.ts';
export { EXIT_CODES } from './cli/exit-codes.ts';
export { UsageError } from './trial/usage-error.ts';
export { flowOptions } from './trial/command-of.ts';
export { resolveTrial, type ResolvedTrial } from './trial/resolve-trial.ts';
export type { ExplorationTrial, Selection, StormTrial, Trial } from './trial/trial.ts';

/* Storms. */
export { planCalls, planStorms, type StormSelection } from './storm/plan.ts';
export { runStorm, type StormOptions, type StormRun, type StormSite } from './storm/run.ts';
export { judgeStorm, type StormJudgement } from './storm/judge.ts';
export { runStorms } from './storm/rows.ts';
export { Workers } from './storm/workers.ts';

/* Explorations. */
export { callersIn, planExploration, planExplorations, type ExplorationSelection } from './explore/plan.ts';
export {
  expectToFit,
  openGatedScenario,
  type GatedScenario,
  type GatedScenarioOptions,
} from './explore/gated-scenario.ts';
export { runExploration, type ExplorationLimits, type ExplorationRun } from './explore/run.ts';
export { judgeSchedule, type ScheduleJudgement } from './explore/judge.ts';
export { exploreTrial } from './explore/rows.ts';
export type { DetectionRow } from './detect/detection.ts';
export { judgedBy } from './detect/run.ts';

/* Programs. */
export { parseAnswer, type AnswerLine } from './exec/parse-answer.ts';
export { ProgramError } from './exec/program-error.ts';

/* Reports. */
export type { Context } from './report/context.ts';
export { Evidence } from './report/evidence.ts';
export type { HistoryFile } from './report/history-file.ts';
export type { Row } from './report/row.ts';
export type { StoredResult } from './report/store.ts';
