import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { CommandContext } from '../commands/context.ts';
import type { RunResult } from '../report/run-result.ts';
import { exploreRace, type PlannedExploration } from './explore-race.ts';

/**
 * Runs one row after the other, until all are done or the signal fires; rows that were not run come out `unknown`. While a row runs,
 * a file in the store holds the token of the schedule at hand: it stays when this process dies.
 */
export async function runExplorations(
  uri: string,
  rows: readonly PlannedExploration[],
  { violationLimit, store }: { readonly violationLimit: number; readonly store: string },
  { signal, progress }: CommandContext,
  onRow: (result: RunResult) => void = () => undefined,
): Promise<RunResult[]> {
  const results: RunResult[] = [];
  await mkdir(store, { recursive: true });
  try {
    for (const [index, row] of rows.entries()) {
      const { scenario, subject, adapter, callers } = row;
      const head = `[${index + 1}/${rows.length}] ${scenario.name}, ${subject.name} on ${adapter}, ${callers} callers`;
      progress.show(head);
      const onProgress = ({ runs, fractionDone }: { runs: number; fractionDone: number }): void =>
        progress.show(`${head}: ${runs} runs, about ${Math.floor(100 * fractionDone)} %`);
      const tokenFile = join(
        store,
        `at-hand-${scenario.name}-${subject.name}-${adapter}-${callers}-${process.pid}.token`,
      );
      const result = await exploreRace(uri, row, { violationLimit, signal, onProgress, tokenFile });
      await rm(tokenFile, { force: true });
      progress.clear();
      results.push(result);
      onRow(result);
    }
  } finally {
    progress.clear();
  }
  return results;
}
