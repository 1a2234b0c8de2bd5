import type { CommandContext } from '../commands/context.ts';
import type { RunResult } from '../report/run-result.ts';
import { exploreRace, type PlannedExploration } from './explore-race.ts';

/** Runs one row after the other, until all are done or the signal fires; rows that were not run come out `unknown`. */
export async function runExplorations(
  uri: string,
  rows: readonly PlannedExploration[],
  { violationLimit }: { readonly violationLimit: number },
  { signal, progress }: CommandContext,
  onRow: (result: RunResult) => void = () => undefined,
): Promise<RunResult[]> {
  const results: RunResult[] = [];
  try {
    for (const [index, row] of rows.entries()) {
      const { scenario, subject, adapter, callers } = row;
      const head = `[${index + 1}/${rows.length}] ${scenario.name}, ${subject.name} on ${adapter}, ${callers} callers`;
      progress.show(head);
      const onProgress = ({ runs, fractionDone }: { runs: number; fractionDone: number }): void =>
        progress.show(`${head}: ${runs} runs, about ${Math.floor(100 * fractionDone)} %`);
      const result = await exploreRace(uri, row, { violationLimit, signal, onProgress });
      progress.clear();
      results.push(result);
      onRow(result);
    }
  } finally {
    progress.clear();
  }
  return results;
}
