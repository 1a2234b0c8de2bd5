import { ProgramError } from '../exec/program-error.ts';
import type { Trial } from '../trial/trial.ts';
import { UsageError } from '../trial/usage-error.ts';
import { toFailure, type Failure } from './failure.ts';
import type { Row } from './row.ts';
import { whyEnded } from './why-ended.ts';

interface RowsOptions<T extends Trial> {
  readonly signal: AbortSignal;
  readonly run: (trial: T, index: number) => Promise<Row>;
  /** The row of a trial that was not run, or not to its end. */
  readonly report: (trial: T, why: Pick<Row, 'reason' | 'failure'>) => Row;
  /** Called as soon as a row is over. */
  readonly onRow?: (row: Row) => void;
  /** Some rows of the command are over already. Default: false. */
  readonly hasRows?: boolean;
}

/**
 * Runs one row after the other, until all are over; those that the signal does not leave the time for are `unknown`. A row that throws is
 * `unknown` with what it threw, and the next one runs: what the others have shown is not to be lost.
 *
 * @throws UsageError, ProgramError where the first row of the command shows that what the user gave can't work
 */
export async function runRows<T extends Trial>(
  trials: readonly T[],
  { signal, run, report, onRow, hasRows = false }: RowsOptions<T>,
): Promise<Row[]> {
  const rows: Row[] = [];
  let gone: Failure | undefined;
  const runOne = async (trial: T, index: number): Promise<Row> => {
    if (signal.aborted) return report(trial, { reason: 'not run' });
    if (gone !== undefined) return report(trial, { reason: gone.reason, failure: gone.kind });
    try {
      return await run(trial, index);
    } catch (error) {
      if (signal.aborted) return report(trial, { reason: whyEnded(signal) });
      const failure = toFailure(error, trial.exec !== undefined);
      if (failure.kind === 'usage' && !hasRows && rows.length === 0)
        throw error instanceof ProgramError ? error : new UsageError(failure.reason, { cause: error });
      if (failure.kind === 'database') gone = failure;
      return report(trial, { reason: failure.reason, failure: failure.kind });
    }
  };
  for (const [index, trial] of trials.entries()) {
    const row = await runOne(trial, index);
    rows.push(row);
    onRow?.(row);
  }
  return rows;
}
