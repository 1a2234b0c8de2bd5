import type { Context } from '../report/context.ts';
import type { Row } from '../report/row.ts';
import { runStorms } from '../storm/rows.ts';
import type { FaultPlace } from '../system/flow.ts';
import type { MatrixCell } from '../system/matrix.ts';
import type { SystemTypes } from '../system/system-types.ts';
import type { Expectation } from '../system/violation.ts';
import type { StormTrial } from '../trial/trial.ts';

export interface MatrixEffort {
  /** A storm begins no further round after so many milliseconds. */
  readonly budgetMs: number;
  readonly seed: number;
}

/** What the storms of one cell came to. JSON. */
export interface MatrixRow {
  /** One for each setting. */
  readonly values: readonly string[];
  readonly flow: string;
  readonly expected: Expectation;
  /** Rounds that were judged. */
  readonly rounds: number;
  /** Rounds in which an invariant was broken. */
  readonly violated: number;
  readonly calls: number;
  /** Faults that met calls under way. */
  readonly hit: number;
  /** The invariants that were seen broken, in the order in which they came up. */
  readonly broken: readonly string[];
  /** The command that shows the first violation again. Absent where there was none. */
  readonly reproduce?: string;
  /** Why storms came to no verdict. */
  readonly reasons: readonly string[];
}

/** Each round has one fault. */
const EVERY_MS = 1;

/** Puts one cell through these storms; each goes on after violations, so that every cell has the same effort. */
export async function runCell<T extends SystemTypes>(
  context: Context<T>,
  site: Parameters<typeof runStorms<T>>[1],
  storms: readonly FaultPlace[],
  cell: MatrixCell<T>,
  effort: MatrixEffort,
): Promise<MatrixRow> {
  const trials = storms.map((place) => toTrial(cell.flow, place, effort));
  return summarizeCell(cell, await runStorms(context, site, trials));
}

const toTrial = (
  { name: flow, expected }: Pick<MatrixCell<SystemTypes>['flow'], 'name' | 'expected'>,
  { fault, scenario, deployment, processes = 1, size = {} }: FaultPlace,
  { budgetMs, seed }: MatrixEffort,
): StormTrial => ({
  flow,
  scenario,
  deployment,
  processes,
  size,
  expected,
  seed,
  rounds: { forMs: budgetMs, faults: [fault], everyMs: EVERY_MS, maxSteps: 1, goOn: true },
});

/** Pure. */
export function summarizeCell(
  {
    values,
    flow: { name: flow, expected },
  }: Pick<MatrixCell<SystemTypes>, 'values'> & {
    readonly flow: Pick<MatrixCell<SystemTypes>['flow'], 'name' | 'expected'>;
  },
  rows: readonly Row[],
): MatrixRow {
  const judged = rows.filter(({ verdict }) => verdict !== 'unknown');
  const rounds = judged.flatMap(({ storm }) => storm?.rounds ?? []);
  const first = judged.find(({ verdict }) => verdict === 'violated');
  return {
    values,
    flow,
    expected,
    rounds: sum(rounds.map((round) => round.judged)),
    violated: sum(rounds.map((round) => round.violated)),
    calls: sum(rounds.map((round) => round.calls)),
    hit: sum(rounds.flatMap(({ faults }) => faults.map(({ hit }) => hit))),
    broken: [...new Set(judged.flatMap(({ violations }) => violations.map(({ invariant }) => invariant)))],
    ...(first === undefined ? {} : { reproduce: first.reproduce }),
    reasons: [...new Set(rows.flatMap(({ verdict, reason }) => (verdict === 'unknown' ? [reason ?? 'unknown'] : [])))],
  };
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** Whether the cell came out as its flow says; a cell whose faults met no call proves nothing. */
export function judgeCell({ expected, broken, hit, reasons }: MatrixRow): 'passed' | 'failed' | 'unknown' {
  const verdict = broken.length > 0 ? 'violated' : 'valid';
  if (verdict === 'violated' && expected === 'valid') return 'failed';
  if (reasons.length > 0 || hit === 0) return 'unknown';
  return expected === undefined || verdict === expected ? 'passed' : 'failed';
}
