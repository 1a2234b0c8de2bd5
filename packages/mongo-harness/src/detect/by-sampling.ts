import type { GatedScenario } from '../explore/gated-scenario.ts';
import type { Mutant } from '../system/flow.ts';
import type { SystemTypes } from '../system/system-types.ts';
import type { Detection } from './detection.ts';
import { firstViolation } from './first-violation.ts';
import type { TryLimits } from './try-limits.ts';

/** Draws schedules at random until the first that breaks an invariant of the mutant's; with a fault in each where the mutant needs one. */
export function detectBySampling<T extends SystemTypes>(
  { session }: GatedScenario,
  strategy: 'random' | 'pct',
  { depth, explorations: [{ faults: kinds }] }: Mutant<T>,
  { seed, budgetMs, signal }: TryLimits,
): Promise<Detection | null> {
  return firstViolation(signal, session, () =>
    session.sample({
      strategy,
      ...(strategy === 'pct' ? { depth } : {}),
      ...(kinds === undefined ? {} : { faults: { kinds } }),
      seed,
      maxDurationMs: budgetMs,
      maxRuns: Number.MAX_SAFE_INTEGER,
      maxViolations: 1,
    }),
  );
}
