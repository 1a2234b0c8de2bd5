import type { PoolState } from '../model/pool-state.ts';
import type { RotationViolation } from './invariants.ts';
import type { Replacements } from './replacements.ts';
import type { RotationHistory } from './rotation-run.ts';

/** How many rotations a run may make. Needs a brake whose time is longer than the run: what counts at the start, counts at the end. */
export const allowanceOf = ({ brake }: PoolState): number =>
  brake === undefined ? Infinity : brake.maxRotations - brake.made;

/** No more rotations are made than the brake allows. Holds in every committed state. */
export function checkBrake(start: PoolState, { takenFor }: Replacements): RotationViolation[] {
  const made = [...takenFor.values()].flat().length;
  const allowed = allowanceOf(start);
  if (made <= allowed) return [];
  return [{ invariant: 'brake', sentence: `the run made ${made} rotations, and the brake allowed ${allowed} of them` }];
}

/** Callers are held back only where the brake allows nothing, and are told until when. */
export function checkHeldBack(
  start: PoolState,
  { operations }: RotationHistory,
  { takenFor }: Replacements,
): RotationViolation[] {
  const { brake } = start;
  const allowed = allowanceOf(start);
  const freeAtStart = [...start.backups.values()].filter(({ isUsed }) => !isUsed).length;
  return operations.flatMap(({ caller, keyId, answer }): RotationViolation[] => {
    const told = `caller ${caller} was told ${answer.kind} for ${keyId}`;
    const broken = (sentence: string): RotationViolation[] => [{ invariant: 'brake', sentence }];
    // With the last backup went the last rotation that was allowed: whoever found no stock met the brake first.
    if (answer.kind === 'no-backup' && takenFor.size === freeAtStart && takenFor.size >= allowed)
      return broken(`${told}, and the brake allowed no rotation then`);
    if (answer.kind !== 'held-back') return [];
    if (brake === undefined) return broken(`${told}, and the pool has no brake`);
    if (takenFor.size < allowed) return broken(`${told}, and only ${takenFor.size} of ${allowed} rotations were made`);
    // A caller that was answered late may try again at once.
    return answer.waitMs <= brake.perMs
      ? []
      : broken(`${told} for ${answer.waitMs} ms, and the brake counts ${brake.perMs} ms`);
  });
}
