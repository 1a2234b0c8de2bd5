import type { PoolState } from '../model/pool-state.ts';
import { checkAnswers } from './check-answers.ts';
import { checkBrake, checkHeldBack } from './check-brake.ts';
import { checkClaims } from './check-claims.ts';
import { checkIndeterminate } from './check-indeterminate.ts';
import { checkNoBackup } from './check-no-backup.ts';
import { checkOrder } from './check-order.ts';
import { checkWaste } from './check-waste.ts';
import { checkWholeness } from './check-wholeness.ts';
import type { RotationViolation } from './invariants.ts';
import { readPast, retireKept, type PastRotations } from './past-rotations.ts';
import { readReplacements, type Replacements } from './replacements.ts';
import type { RotationRun } from './rotation-run.ts';

/**
 * Judges a run by the invariants. Pure, and linear in documents and operations for each state. Holds for runs in which only rotations
 * change the pool, and judges what the run changed: earlier flows may have left damage.
 */
export function checkRun(run: Omit<RotationRun, 'operated'>): RotationViolation[] {
  const { history, expectedErrors } = run;
  const kept = readPast(run.start);
  const start = retireKept(run.start, kept);
  const between = run.between.map((state) => retireKept(state, kept));
  const final = retireKept(run.final, kept);
  const past = readPast(start);
  const replacements = readReplacements(start, final, history);
  const atTheEnd = checkState(start, final, replacements, past);
  const known = new Set(atTheEnd.map(({ invariant }) => invariant));
  const inBetween = between
    .flatMap((state) => checkState(start, state, readReplacements(start, state, history), past))
    .filter(({ invariant }) => !known.has(invariant))
    .map(({ invariant, sentence }) => ({
      invariant,
      sentence: `in a state that was committed meanwhile: ${sentence}`,
    }));
  const violations = [
    ...atTheEnd,
    ...inBetween,
    ...checkNoBackup(start, final, history),
    ...checkAnswers(start, final, history, replacements, past, expectedErrors),
    ...checkIndeterminate(history),
    ...checkHeldBack(start, history, replacements),
  ];
  return violations.length > 0 ? violations : checkOrder(start, history, replacements);
}

/** I1 to I3 and the brake hold in every committed state. */
const checkState = (
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
