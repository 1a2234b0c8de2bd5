import type { PoolState } from '../pool-state.ts';
import { readEarlier } from './earlier.ts';
import type { Succession } from './succession.ts';
import type { Violation } from './violation.ts';

const NAMED_MAX = 5;

/** I1: one life of a failed key takes at most one backup, and exactly one when it is rotated; a backup serves one key. */
export function checkClaims(start: PoolState, state: PoolState, succession: Succession): Violation[] {
  const violations: Violation[] = [];
  const earlier = readEarlier(start);
  const installed = new Set([...succession.takenFor.values()].flat().map(({ id }) => id));
  for (const [keyId, taken] of succession.takenFor) {
    if (taken.length > 1) {
      const named = taken.slice(0, NAMED_MAX).map(({ id }) => `${id} by ${succession.claimant(id)}`);
      const more = taken.length > NAMED_MAX ? ` and ${taken.length - NAMED_MAX} more` : '';
      violations.push({
        promise: 'I1',
        sentence: `${keyId} took ${taken.length} backups instead of one: ${named.join(', ')}${more}`,
      });
    }
    const earlierReplacement = earlier.replacementOf(keyId);
    if (earlierReplacement !== undefined && start.keys.get(keyId)?.live !== true && !installed.has(keyId))
      violations.push({
        promise: 'I1',
        sentence: `${keyId} took ${taken[0]?.id} by ${succession.claimant(taken[0]?.id ?? '')}, and had been replaced by ${earlierReplacement} before the run`,
      });
    for (const { id } of taken) {
      const before = start.backups.get(id);
      if (before?.isUsed === true)
        violations.push({
          promise: 'I1',
          sentence: `${id} was used for ${before.usedFor ?? 'something'} already when ${succession.claimant(id)} claimed it for ${keyId}`,
        });
      if (start.keys.get(id)?.live === true)
        violations.push({
          promise: 'I1',
          sentence: `${id} was a live key already when ${succession.claimant(id)} claimed it for ${keyId}`,
        });
    }
  }
  for (const key of start.keys.values()) {
    if (key.live && state.keys.get(key.id)?.live !== true && !succession.takenFor.has(key.id))
      violations.push({
        promise: 'I1',
        sentence: `${key.id} was retired, yet no backup is marked as used for it: it went without one, or shares another key's`,
      });
  }
  for (const { id, live } of state.keys.values()) {
    if (live && start.keys.get(id)?.live !== true && !installed.has(id))
      violations.push({
        promise: 'I1',
        sentence: `${id} became a live key, yet no backup of that name was claimed in this run`,
      });
  }
  return violations;
}
