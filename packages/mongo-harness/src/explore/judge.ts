import type { RunResult } from 'mongo-interleave';
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
  throw verdict.error;
}
