import type { Race } from '../explore/open-race.ts';
import { faultKindsOf } from '../explore/faults.ts';
import type { KnownBadSubject } from '../subjects/subject.ts';
import type { Detection } from './detection.ts';
import { firstViolation } from './first-violation.ts';
import type { TryLimits } from './try-limits.ts';

/** Draws schedules at random until the first that breaks a promise of the flow's; with a fault in each where the flow needs one. */
export async function detectBySampling(
  { interleaving }: Race,
  strategy: 'random' | 'pct',
  { depth, shownBy }: KnownBadSubject,
  { seed, budgetMs, signal }: TryLimits,
): Promise<Detection | null> {
  const kinds = faultKindsOf[shownBy.mode];
  return firstViolation(signal, interleaving, () =>
    interleaving.sample({
      strategy,
      ...(strategy === 'pct' ? { depth } : {}),
      ...(kinds.length === 0 ? {} : { faults: { kinds } }),
      seed,
      timeLimitMs: budgetMs,
      runs: Number.MAX_SAFE_INTEGER,
      violationLimit: 1,
    }),
  );
}
