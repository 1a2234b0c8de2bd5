import type { FaultKind } from 'mongo-interleave';
import { faultsAt } from '../explore/faults.ts';
import type { GatedScenario } from '../explore/gated-scenario.ts';
import type { Detection } from './detection.ts';
import { firstViolation } from './first-violation.ts';
import type { TryLimits } from './try-limits.ts';

/** Each command of the first clients, with a crash after it and with its reply lost. A crash after a command is one before the next. */
const CRASH_GRID: readonly FaultKind[] = ['crash-after', 'lost-reply'];

/** Goes through all schedules until the first that breaks an invariant of the mutant's: the same one each time. */
export const detectByExploring = (
  { session, firstClients, judged }: GatedScenario,
  strategy: 'exhaustive' | 'crash',
  { budgetMs, signal }: Omit<TryLimits, 'seed'>,
): Promise<Detection | null> =>
  firstViolation(signal, session, () =>
    session.explore({
      everyState: judged === 'every-commit',
      ...faultsAt(firstClients, strategy === 'crash' ? CRASH_GRID : []),
      maxDurationMs: budgetMs,
      maxRuns: Number.MAX_SAFE_INTEGER,
      maxViolations: 1,
    }),
  );
