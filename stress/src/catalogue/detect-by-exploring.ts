import type { FaultKind } from 'mongo-interleave';
import { faultKindsOf, faultsAt } from '../explore/faults.ts';
import type { Race } from '../explore/open-race.ts';
import type { Detection } from './detection.ts';
import { firstViolation } from './first-violation.ts';
import type { TryLimits } from './try-limits.ts';

/** The grid of the first clients' commands, each with a crash after it and with its reply lost. */
const grid: readonly FaultKind[] = [...faultKindsOf.crash, ...faultKindsOf['lost-reply']];

/** Goes through all schedules until the first that breaks a promise of the flow's: the same one each time. */
export async function detectByExploring(
  { interleaving, firstClients }: Race,
  strategy: 'exhaustive' | 'crash',
  { budgetMs, signal }: Omit<TryLimits, 'seed'>,
): Promise<Detection | null> {
  return firstViolation(signal, interleaving, () =>
    interleaving.explore({
      ...faultsAt(firstClients, strategy === 'crash' ? grid : []),
      timeLimitMs: budgetMs,
      runLimit: Number.MAX_SAFE_INTEGER,
      violationLimit: 1,
    }),
  );
}
