import type { Execution } from '../run/execution.ts';
import type { RunResult } from '../run/result.ts';
import type { Runner } from '../run/runner.ts';
import { outlineOf, type Schedule } from '../schedule/outline.ts';
import { endsOf, failureOf, keyOf } from './failure-key.ts';
import { outlineScheduler } from './outline-scheduler.ts';
import { simplerSchedules } from './simpler-schedules.ts';

/**
 * Looks for a simpler schedule with the same failure, fewest switches first. Another failure is not taken, even if its schedule is
 * simpler.
 *
 * @param failing a run that is not valid
 * @param maxRuns most schedules to try
 * @returns the run of the simplest schedule found
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
  /** By clients: the failure of a run without switches and faults. */
  const failuresInTurn = new Map<string, string>();
  for (let candidate = next(); candidate !== undefined && runs < maxRuns; candidate = next()) {
    tried.add(JSON.stringify(candidate));
    const found = await run(candidate);
    if (!(await isSameFailure(candidate, found))) continue;
    result = found;
    schedule = candidate;
  }
  return result;

  async function run(candidate: Schedule): Promise<RunResult<T>> {
    runs++;
    return runner.judge(await runner.execute(outlineScheduler(candidate)));
  }

  /**
   * With the same clients, the key must be the same. With fewer clients, those that are left must end as clients ended before, and must
   * not fail like this one after the other: otherwise `check` misses the absent clients, and the schedule has no part in it.
   */
  async function isSameFailure({ clients }: Schedule, found: RunResult<T>): Promise<boolean> {
    if (clients.length === schedule.clients.length) return keyOf(found) === keyOf(result);
    const failure = failureOf(result);
    return (
      failureOf(found) === failure &&
      isPartOf(endsOf(found), endsOf(result)) &&
      (await failureInTurn(clients)) !== failure
    );
  }

  async function failureInTurn(clients: readonly number[]): Promise<string> {
    const name = clients.join(',');
    const failure = failuresInTurn.get(name) ?? failureOf(await run({ clients, switches: [], faults: [] }));
    failuresInTurn.set(name, failure);
    return failure;
  }

  function next(): Schedule | undefined {
    for (const candidate of simplerSchedules(schedule)) if (!tried.has(JSON.stringify(candidate))) return candidate;
    return undefined;
  }
}

/** Does the larger list hold everything of the smaller, as often? */
function isPartOf(smaller: readonly string[], larger: readonly string[]): boolean {
  const left = [...larger];
  return smaller.every((text) => {
    const index = left.indexOf(text);
    if (index !== -1) left.splice(index, 1);
    return index !== -1;
  });
}
