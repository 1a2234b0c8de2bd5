import { checkAnswers } from '../../src/checker/check-answers.ts';
import { checkBrake, checkHeldBack } from '../../src/checker/check-brake.ts';
import { checkClaims } from '../../src/checker/check-claims.ts';
import { checkEffects, effectsLeft } from '../../src/checker/check-effects.ts';
import { checkNoBackup } from '../../src/checker/check-no-backup.ts';
import { checkOrder } from '../../src/checker/check-order.ts';
import { checkWaste } from '../../src/checker/check-waste.ts';
import { checkWholeness } from '../../src/checker/check-wholeness.ts';
import type { InvariantName, RotationViolation } from '../../src/checker/invariants.ts';
import { readPast, type PastRotations } from '../../src/checker/past-rotations.ts';
import { readReplacements, readTold, type Replacements } from '../../src/checker/replacements.ts';
import type { RotationHistory } from '../../src/checker/rotation-run.ts';
import type { PoolState } from '../../src/model/pool-state.ts';
import type { Claim } from '../../src/model/rotation-types.ts';
import { history, type Call } from './histories.ts';

/** What a run left: the pool before and after, what callers were told, and who claimed what. */
export interface Left {
  readonly start: PoolState;
  readonly final: PoolState;
  readonly calls?: readonly Call[];
  readonly claims?: readonly Claim[];
  readonly expectedErrors?: readonly string[];
}

/** The sentences of one check alone. */
export const sentencesOf = {
  claims: (left: Left): string[] =>
    sentences('I1', left, ({ start, final, replacements, past }) => checkClaims(start, final, replacements, past)),
  waste: (left: Left): string[] =>
    sentences('I2', left, ({ start, final, replacements }) => checkWaste(start, final, replacements)),
  wholeness: (left: Left): string[] =>
    sentences('I3', left, ({ start, final, replacements }) => checkWholeness(start, final, replacements)),
  noBackup: (left: Left): string[] =>
    sentences('I4', left, ({ start, final, told }) => checkNoBackup(start, final, told)),
  answers: (left: Left): string[] =>
    sentences('I5', left, ({ start, final, told, replacements, past }) => [
      ...checkAnswers(start, final, told, replacements, past, left.expectedErrors ?? []),
      ...checkEffects(start, told, effectsLeft(replacements), false),
    ]),
  brake: (left: Left): string[] =>
    sentences('brake', left, ({ start, told, replacements }) => [
      ...checkBrake(start, replacements),
      ...checkHeldBack(start, told, replacements),
    ]),
  order: (left: Left): string[] =>
    sentences('I7', left, ({ start, told, replacements }) =>
      checkOrder(start, told, replacements, effectsLeft(replacements)),
    ),
};

/** A run as far as a single check looks at it. */
interface Seen {
  readonly start: PoolState;
  readonly final: PoolState;
  readonly told: RotationHistory;
  readonly replacements: Replacements;
  readonly past: PastRotations;
}

function sentences(
  invariant: InvariantName,
  { start, final, calls = [], claims = [] }: Left,
  check: (seen: Seen) => RotationViolation[],
): string[] {
  const told = history(calls, claims);
  const replacements = readReplacements(start, final, readTold(told));
  const violations = check({ start, final, told, replacements, past: readPast(start) });
  for (const violation of violations)
    if (violation.invariant !== invariant) throw new Error(`a check of ${invariant} found ${violation.invariant}`);
  return violations.map(({ sentence }) => sentence);
}
