import type { Run } from 'mongo-harness';
import type { RotationTypes } from '../model/rotation-types.ts';
import { mixedTraffic } from '../scenarios/mixed-traffic.ts';
import { olderFlow } from '../scenarios/older-flow.ts';
import {
  bindingAdded,
  putBack,
  PUT_BACK,
  restore,
  restoredAndPutBack,
  RESTORED,
  swept,
} from '../scenarios/operated.ts';
import { checkAddedBindings } from './check-added-bindings.ts';
import { checkBesideOlderFlow } from './check-beside-older-flow.ts';
import { checkEndedIncarnation } from './check-ended-incarnation.ts';
import { checkKinds } from './check-kinds.ts';
import { checkMixed, countMixed } from './check-mixed.ts';
import { checkPutBack } from './check-put-back.ts';
import { checkRun } from './check-run.ts';
import { checkWaste } from './check-waste.ts';
import type { RotationViolation } from './invariants.ts';
import { retireUnmarked } from './past-rotations.ts';
import { readReplacements, readTold } from './replacements.ts';
import { toRotationRun, type RotationRun } from './rotation-run.ts';

/** The scenarios in which an operator or an older flow changes the pool too; in all others only rotations do. */
const CHANGED_BY_OTHERS: Readonly<Record<string, (run: RotationRun) => RotationViolation[]>> = {
  [bindingAdded.name]: checkAddedBindings,
  [restore.name]: (run) => checkEndedIncarnation(run, RESTORED),
  [putBack.name]: (run) => checkPutBack(run, PUT_BACK),
  [olderFlow.name]: checkBesideOlderFlow,
};

/** All verbs and operators change the pool, in any order. */
const MIXED: readonly string[] = [mixedTraffic, restoredAndPutBack, swept].map(({ name }) => name);

/** Judges a run of any scenario. */
export function checkRotations(run: Run<RotationTypes>): readonly RotationViolation[] {
  if (MIXED.includes(run.scenario)) return checkMixed(run);
  const rotations = toRotationRun(run);
  return [...checkKinds(rotations.history), ...(CHANGED_BY_OTHERS[run.scenario] ?? checkRun)(rotations)];
}

/** Backups that a run used, and those of them that took no key's place. */
export function countBackups(run: Run<RotationTypes>): { readonly used: number; readonly wasted: number } {
  if (MIXED.includes(run.scenario)) return countMixed(run);
  const { start, final: left, history } = toRotationRun(run);
  const final = retireUnmarked(left);
  const replacements = readReplacements(start, final, readTold(history));
  return {
    used: [...replacements.takenFor.values()].flat().length,
    wasted: checkWaste(start, final, replacements).length,
  };
}
