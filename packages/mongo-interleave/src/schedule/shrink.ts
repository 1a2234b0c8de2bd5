import type { Executed } from '../execute-run.ts';
import type { Runner } from '../explore/explore.ts';
import type { RunResult } from '../run-result.ts';
import { scheduleChooser, scheduleOf, simpler, type Schedule } from './schedule.ts';

/**
 * Looks for a simpler schedule that is violated too, the fewest switches first.
 *
 * @param failing a violated run
 * @param runLimit most runs to try
 * @returns the simplest found
 */
export async function shrink<T>(
  { failing, executed }: { readonly failing: RunResult<T>; readonly executed: Executed<T> },
  runner: Runner<T>,
  runLimit: number,
): Promise<RunResult<T>> {
  let result = failing;
  let schedule = scheduleOf(executed.taken);
  let runs = 0;
  const tried = new Set([JSON.stringify(schedule)]);
  for (let candidate = next(); candidate !== undefined && runs < runLimit; candidate = next()) {
    tried.add(JSON.stringify(candidate));
    runs++;
    const found = await runner.judge(await runner.execute(scheduleChooser(candidate)));
    if (found.verdict.kind !== 'violated') continue;
    result = found;
    schedule = candidate;
  }
  return result;

  function next(): Schedule | undefined {
    for (const candidate of simpler(schedule)) if (!tried.has(JSON.stringify(candidate))) return candidate;
    return undefined;
  }
}
