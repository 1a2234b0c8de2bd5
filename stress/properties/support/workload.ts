import type { StormPlan } from 'mongo-harness';
import type { RotationTypes } from '../../src/model/rotation-types.ts';

/** One run: a pool, callers, and where they call from. */
export interface Workload {
  readonly plan: StormPlan<RotationTypes>;
  readonly processes: number;
  readonly deployment: string;
  /** Callers of one process share rotations and transactions; counts for the reference alone. */
  readonly coalesce: boolean;
}
