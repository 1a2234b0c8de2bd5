import { checkAnswers } from './check-answers.ts';
import { checkHeldBack } from './check-brake.ts';
import { checkCommits } from './check-commits.ts';
import { checkEffects, effectsLeft, loggedEffects } from './check-effects.ts';
import { checkInquiries } from './check-inquiries.ts';
import { checkNoBackup } from './check-no-backup.ts';
import { checkOrder } from './check-order.ts';
import { checkState } from './check-state.ts';
import type { RotationViolation } from './invariants.ts';
import { readPast, retireKept, retireKeptIn } from './past-rotations.ts';
import { readReplacements, readTold } from './replacements.ts';
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
  const told = readTold(history);
  const replacements = readReplacements(start, final, told);
  const atTheEnd = checkState(start, final, replacements, past);
  const known = new Set(atTheEnd.map(({ invariant }) => invariant));
  const commits = run.commits?.map((commit) => retireKeptIn(commit, kept));
  const inBetween = [
    ...between
      .flatMap((state) => checkState(start, state, readReplacements(start, state, told), past))
      .map(({ invariant, sentence }) => ({
        invariant,
        sentence: `in a state that was committed meanwhile: ${sentence}`,
      })),
    ...(commits === undefined ? [] : checkCommits(start, final, commits, told, past)),
  ].filter(({ invariant }) => !known.has(invariant));
  const effects = commits === undefined ? effectsLeft(replacements) : loggedEffects(commits);
  const violations = [
    ...atTheEnd,
    ...inBetween,
    ...checkNoBackup(start, final, history),
    ...checkAnswers(start, final, history, replacements, past, expectedErrors),
    ...checkEffects(start, history, effects, commits !== undefined),
    ...checkInquiries(history, effects, commits !== undefined),
    ...checkHeldBack(start, history, replacements),
  ];
  return violations.length > 0 ? violations : checkOrder(start, history, replacements, effects);
}
