import { planCalls } from '../storm/plan.ts';
import { runStorm, type StormSite } from '../storm/run.ts';
import type { Mutant, StormPlace } from '../system/flow.ts';
import type { System } from '../system/system.ts';
import type { SystemTypes } from '../system/system-types.ts';
import type { Detection } from './detection.ts';
import type { TryLimits } from './try-limits.ts';

/** Enough for each process to have them queue up, few enough for a storm to be over in well under a second. */
const CALLERS = 100;

/** Where storms look for a mutant: its first storm, or the large form of its exploration's scenario; nowhere if there is none. */
export function stormPlaceOf<T extends SystemTypes>(
  { scenarios }: System<T>,
  { storms, explorations: [explored] }: Mutant<T>,
): StormPlace | undefined {
  const hasStorm = scenarios.some(({ name, storm }) => name === explored.scenario && storm !== undefined);
  return storms[0] ?? (hasStorm ? { scenario: explored.scenario, deployment: explored.deployment } : undefined);
}

/** Lets storms of 100 callers rage, one after the other, until one breaks an invariant of the mutant's, or until the budget ends. */
export async function detectByStorm<T extends SystemTypes>(
  system: System<T>,
  site: StormSite<T>,
  { name: flow, breaks, maxConcurrency = CALLERS, judged = 'every-commit' }: Mutant<T>,
  { scenario, deployment }: StormPlace,
  { seed, budgetMs, signal }: TryLimits,
): Promise<Detection | null> {
  const startedMs = performance.now();
  const elapsedMs = (): number => performance.now() - startedMs;
  for (let runs = 1; elapsedMs() < budgetMs && !signal.aborted; runs++) {
    const plan = planCalls(system, { scenario, size: { callers: CALLERS }, seed: seed + runs });
    const trial = { flow, scenario, deployment };
    const { run } = await runStorm(system, site, trial, { plan, processes: 1, maxConcurrency, judged, signal });
    if (system.check(run).some(({ invariant }) => breaks.includes(invariant)))
      return { runs, seconds: elapsedMs() / 1_000 };
  }
  return null;
}
