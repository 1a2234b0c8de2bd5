import type { PoolState } from '../model/pool-state.ts';
import type { Replacements } from './replacements.ts';
import type { RotationViolation } from './invariants.ts';

/** I2: each used backup took the place of the key it was used for, and the others are there. Holds in every committed state. */
export function checkWaste(start: PoolState, state: PoolState, replacements: Replacements): RotationViolation[] {
  const violations = findWasted(start, state, replacements).map(({ backupId, why }): RotationViolation => {
    const sentence = `${backupId} wasted: ${replacements.claimant(backupId)} ${why}`;
    return { invariant: 'I2', sentence };
  });
  for (const { id, isUsed } of start.backups.values()) {
    if (!isUsed && !state.backups.has(id))
      violations.push({ invariant: 'I2', sentence: `${id} is gone, and was a free backup when the run began` });
  }
  return violations;
}

export interface WastedBackup {
  readonly backupId: string;
  /** As in `claimed it for k1 and did not make it a live key`. */
  readonly why: string;
}

/** Backups that the run used, and that took no key's place. */
export function findWasted(start: PoolState, state: PoolState, replacements: Replacements): readonly WastedBackup[] {
  const bound = new Set(state.bindings.map(({ keyId }) => keyId));
  const boundAtStart = new Set(start.bindings.map(({ keyId }) => keyId));
  const wasted: WastedBackup[] = [];
  const waste = (backupId: string, why: string): void => void wasted.push({ backupId, why });

  for (const [keyId, taken] of replacements.takenFor) {
    const replacement = replacements.replacementOf(keyId);
    const winner = replacement === undefined ? 'somebody' : replacements.claimant(replacement);
    for (const { id } of taken) {
      if (replacement !== undefined && id !== replacement)
        waste(id, `claimed it for ${keyId}, which ${winner} had already replaced by ${replacement}`);
      else if (replacement === undefined) waste(id, `claimed it for ${keyId} and did not make it a live key`);
      else if (state.keys.get(keyId)?.live === true) waste(id, `claimed it for ${keyId}, which is live as before`);
      else if (state.keys.get(id)?.live === true && !bound.has(id) && boundAtStart.has(keyId))
        waste(id, `made it a live key in the place of ${keyId}, but none of the bindings points to it`);
    }
  }
  return wasted;
}
