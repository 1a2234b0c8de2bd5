import { InterleaveError, type RunResult } from 'mongo-interleave';
import type { Run } from '../system/run.ts';
import type { SystemTypes } from '../system/system-types.ts';
import type { Violation } from '../system/violation.ts';
import { InvariantsBroken } from './invariants-broken.ts';

export interface ScheduleJudgement<T extends SystemTypes> {
  readonly violations: readonly Violation[];
  /** The run that broke the invariants; absent where none is broken. */
  readonly run?: Run<T>;
}

/** What a schedule broke. @throws what its check threw for another reason */
export function judgeSchedule<T extends SystemTypes>({
  verdict,
}: Pick<RunResult<string>, 'verdict'>): ScheduleJudgement<T> {
  if (verdict.kind === 'valid') return { violations: [] };
  if (verdict.error instanceof InvariantsBroken) return verdict.error as InvariantsBroken<T>;
  if (verdict.error instanceof InterleaveError && verdict.error.code === NEVER_ENDS)
    return { violations: [{ invariant: NEVER_ENDS, sentence: verdict.error.message }] };
  throw verdict.error;
}

/** What stands in the place of an invariant where a flow never ends. */
const NEVER_ENDS = 'never-ends';

/** Is an invariant broken, or does the schedule never end? A run may also come without a verdict, where its check threw something else. */
export const isBroken = ({ verdict }: Pick<RunResult<string>, 'verdict'>): boolean =>
  verdict.kind === 'violated' &&
  (verdict.error instanceof InvariantsBroken ||
    (verdict.error instanceof InterleaveError && verdict.error.code === NEVER_ENDS));
