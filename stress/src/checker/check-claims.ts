import type { PoolState } from '../model/pool-state.ts';
import type { PastRotations } from './past-rotations.ts';
import type { Replacements } from './replacements.ts';
import type { RotationViolation } from './invariants.ts';

const MAX_NAMED = 5;

/** I1: one incarnation of a failed key takes at most one backup, and exactly one when it is rotated; a backup serves one key. */
export function checkClaims(
  start: PoolState,
  state: PoolState,
  replacements: Replacements,
  past: PastRotations,
): RotationViolation[] {
  const violations: RotationViolation[] = [];
  const installed = new Set([...replacements.takenFor.values()].flat().map(({ id }) => id));
  for (const [keyId, taken] of replacements.takenFor) {
    if (taken.length > 1) {
      const named = taken.slice(0, MAX_NAMED).map(({ id }) => `${id} by ${replacements.claimant(id)}`);
      const more = taken.length > MAX_NAMED ? ` and ${taken.length - MAX_NAMED} more` : '';
      violations.push({
        invariant: 'I1',
        sentence: `${keyId} took ${taken.length} backups instead of one: ${named.join(', ')}${more}`,
      });
    }
    if (start.keys.get(keyId)?.live !== true && !installed.has(keyId)) {
      const pastReplacement = past.replacementOf(keyId);
      const why = pastReplacement === undefined ? 'was no live key' : `had been replaced by ${pastReplacement} before`;
      violations.push({
        invariant: 'I1',
        sentence: `${keyId} took ${taken[0]?.id} by ${replacements.claimant(taken[0]?.id ?? '')}, and ${why}`,
      });
    }
    for (const { id } of taken) {
      const before = start.backups.get(id);
      if (before?.isUsed === true)
        violations.push({
          invariant: 'I1',
          sentence: `${id} was used for ${before.usedFor ?? 'something'} already when ${replacements.claimant(id)} claimed it for ${keyId}`,
        });
      if (before?.isSetAside === true || state.backups.get(id)?.isSetAside === true)
        violations.push({
          invariant: 'I1',
          sentence: `${id} was set aside, and ${replacements.claimant(id)} claimed it for ${keyId}`,
        });
      if (start.keys.get(id)?.live === true)
        violations.push({
          invariant: 'I1',
          sentence: `${id} was a live key already when ${replacements.claimant(id)} claimed it for ${keyId}`,
        });
    }
  }
  for (const key of start.keys.values()) {
    if (key.live && state.keys.get(key.id)?.live !== true && !replacements.takenFor.has(key.id))
      violations.push({
        invariant: 'I1',
        sentence: `${key.id} was retired, yet no backup is marked as used for it: it went without one, or shares another key's`,
      });
  }
  for (const { id, live } of state.keys.values()) {
    if (live && start.keys.get(id)?.live !== true && !installed.has(id))
      violations.push({
        invariant: 'I1',
        sentence: `${id} became a live key, yet no backup of that name was claimed in this run`,
      });
  }
  return violations;
}
