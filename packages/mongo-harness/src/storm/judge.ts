import type { Run } from '../system/run.ts';
import type { System } from '../system/system.ts';
import type { SystemTypes } from '../system/system-types.ts';
import type { Verdict, Violation } from '../system/violation.ts';
import { hasRaced, measureContention, type Contention } from '../history/contention.ts';

export interface StormJudgement {
  readonly verdict: Verdict;
  /** Why the verdict is `unknown`. */
  readonly reason?: string;
  readonly violations: readonly Violation[];
  readonly contention: Contention;
}

/**
 * Pure, so that a history can be judged again. A storm in which nothing raced proves nothing, unless an invariant is broken; a schedule at
 * the gate is what it is.
 *
 * @param whyCutOff of a run that was ended in the middle: its clients were killed, which nobody asked for, so it says nothing of the flow
 */
export function judgeStorm<T extends SystemTypes>(
  system: Pick<System<T>, 'check'>,
  run: Run<T>,
  whyCutOff?: string,
): StormJudgement {
  const contention = measureContention(run.history);
  if (whyCutOff !== undefined) return { verdict: 'unknown', reason: whyCutOff, violations: [], contention };
  const violations = [...system.check(run), ...(run.aftermath ?? [])];
  if (violations.length > 0) return { verdict: 'violated', violations, contention };
  if (hasRaced(contention) || run.history.unit === 'steps') return { verdict: 'valid', violations, contention };
  return { verdict: 'unknown', reason: 'nothing raced', violations, contention };
}
