import type { PoolState } from '../model/pool-state.ts';
import { checkBrake } from './check-brake.ts';
import { checkClaims } from './check-claims.ts';
import { checkWaste } from './check-waste.ts';
import { checkWholeness } from './check-wholeness.ts';
import type { RotationViolation } from './invariants.ts';
import type { PastRotations } from './past-rotations.ts';
import type { Replacements } from './replacements.ts';

/** I1 to I3 and the brake hold in every committed state. */
export const checkState = (
  start: PoolState,
  state: PoolState,
  replacements: Replacements,
  past: PastRotations,
): RotationViolation[] => [
  ...checkClaims(start, state, replacements, past),
  ...checkWaste(start, state, replacements),
  ...checkWholeness(start, state, replacements),
  ...checkBrake(start, replacements),
];
