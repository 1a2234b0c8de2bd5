import type { Execution } from '../run/execution.ts';
import type { RunResult } from '../run/result.ts';
import type { Runner } from '../run/runner.ts';
import { outlineOf, type Schedule } from '../schedule/outline.ts';
import { outlineScheduler } from './outline-scheduler.ts';
import { simplerSchedules } from './simpler-schedules.ts';

/**
 * Looks for a simpler schedule that is violated too, fewest switches first.
 *
 * @param failing a violated run
 * @param maxRuns most schedules to try
 * @returns the run of the simplest violated schedule found
 */
export async function shrink<T>(
  { failing, execution }: { readonly failing: RunResult<T>; readonly execution: Execution<T> },
  runner: Runner<T>,
  maxRuns: number,
): Promise<RunResult<T>> {
  let result = failing;
  let schedule = outlineOf(execution.steps);
  let runs = 0;
  const tried = new Set([JSON.stringify(schedule)]);
  for (let candidate = next(); candidate !== undefined && runs < maxRuns; candidate = next()) {
    tried.add(JSON.stringify(candidate));
    runs++;
    const found = await runner.judge(await runner.execute(outlineScheduler(candidate)));
    if (found.verdict.kind !== 'violated') continue;
    result = found;
    schedule = candidate;
  }
  return result;

  function next(): Schedule | undefined {
    for (const candidate of simplerSchedules(schedule)) if (!tried.has(JSON.stringify(candidate))) return candidate;
    return undefined;
  }
}
