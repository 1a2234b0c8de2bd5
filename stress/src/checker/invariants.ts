/** The invariants of a rotation, in short. */
export const INVARIANTS = {
  I1: 'no backup claimed twice',
  I2: 'no backup wasted',
  I3: 'the key is replaced whole',
  I4: 'no backup, nothing lost',
  I5: 'one rotation, everybody knows',
  I6: 'crashes and failovers change nothing',
  I7: 'linearizable',
  brake: 'no more rotations than the brake allows',
} as const;

export type InvariantName = keyof typeof INVARIANTS;

/** A broken invariant of a rotation, in one sentence that names documents, callers and the step that broke it. */
export interface RotationViolation {
  readonly invariant: InvariantName;
  readonly sentence: string;
}
