import type { Context } from '../report/context.ts';
import type { Row } from '../report/row.ts';
import { runStorms } from '../storm/rows.ts';
import type { FaultPlace } from '../system/flow.ts';
import type { MatrixCell } from '../system/matrix.ts';
import type { SystemTypes } from '../system/system-types.ts';
import type { Expectation } from '../system/violation.ts';
import { faultTrial, totalsOf } from './fault-trials.ts';

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

/** Puts one cell through these storms; each goes on after violations, so that every cell has the same effort. */
export async function runCell<T extends SystemTypes>(
  context: Context<T>,
  site: Parameters<typeof runStorms<T>>[1],
  storms: readonly FaultPlace[],
  cell: MatrixCell<T>,
  effort: MatrixEffort,
): Promise<MatrixRow> {
  const { name: flow, expected } = cell.flow;
  const { seed, budgetMs: forMs } = effort;
  const trials = storms.map((place) => faultTrial(place, { flow, expected, seed }, { forMs, goOn: true }));
  return summarizeCell(cell, await runStorms(context, site, trials));
}

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
  const { judged, rounds, violatedRounds, calls, hit, reasons } = totalsOf(rows);
  const first = judged.find(({ verdict }) => verdict === 'violated');
  return {
    values,
    flow,
    expected,
    rounds,
    violated: violatedRounds,
    calls,
    hit,
    broken: [...new Set(judged.flatMap(({ violations }) => violations.map(({ invariant }) => invariant)))],
    ...(first === undefined ? {} : { reproduce: first.reproduce }),
    reasons,
  };
}

/** Whether the cell came out as its flow says; a cell whose faults met no call proves nothing. */
export function judgeCell({ expected, broken, hit, reasons }: MatrixRow): 'passed' | 'failed' | 'unknown' {
  const verdict = broken.length > 0 ? 'violated' : 'valid';
  if (verdict === 'violated' && expected === 'valid') return 'failed';
  if (reasons.length > 0 || hit === 0) return 'unknown';
  return expected === undefined || verdict === expected ? 'passed' : 'failed';
}
