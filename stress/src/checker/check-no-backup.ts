import type { PoolState } from '../model/pool-state.ts';
import { isDoubtful } from '../model/rotation-types.ts';
import type { RotationViolation } from './invariants.ts';
import { groupBy } from './replacements.ts';
import type { RotationHistory } from './rotation-run.ts';

/**
 * I4: who is told `no-backup` or `held-back` finds key and bindings as they were, and who is told `no-backup`, that there was none. Needs a run in which nobody adds or
 * restores a backup, for then one that is free at the end was free all along. A free backup that is a live key is no stock, nor is one
 * that was set aside.
 */
export function checkNoBackup(start: PoolState, final: PoolState, history: RotationHistory): RotationViolation[] {
  const violations: RotationViolation[] = [];
  const broken = (sentence: string): void => {
    violations.push({ invariant: 'I4', sentence });
  };
  const isFree = [...final.backups.values()].find(
    ({ id, isUsed, isSetAside }) => !isUsed && isSetAside !== true && final.keys.get(id)?.live !== true,
  );
  const bindingsBefore = groupBy(start.bindings, ({ keyId }) => keyId);
  const bindingsNow = groupBy(final.bindings, ({ keyId }) => keyId);

  for (const [keyId, operations] of groupBy(history.operations, (operation) => operation.keyId)) {
    const without = operations.find(({ answer }) => answer.kind === 'no-backup');
    if (without !== undefined && isFree !== undefined)
      broken(`caller ${without.caller} was told no-backup for ${keyId}, while ${isFree.id} was free all along`);
    const first = operations.find(({ answer }) => answer.kind === 'no-backup' || answer.kind === 'held-back');
    if (first === undefined) continue;
    const told = `caller ${first.caller} was told ${first.answer.kind} for ${keyId}`;
    const before = start.keys.get(keyId);
    const wasInstalled = start.backups.get(keyId)?.isUsed === false && final.backups.get(keyId)?.isUsed === true;
    if (before?.live !== true && !wasInstalled) broken(`${told}, which was no live key in this run`);
    const wasReplaced = operations.some(
      ({ answer }) => ['rotated', 'already-rotated'].includes(answer.kind) || isDoubtful(answer),
    );
    if (before === undefined || wasReplaced) continue;
    const now = final.keys.get(keyId);
    if (now === undefined) broken(`${told}, and ${keyId} is gone`);
    else if (now.content !== before.content) broken(`${told}, and ${keyId} is not as it was`);
    const lost = (bindingsBefore.get(keyId) ?? []).length - (bindingsNow.get(keyId) ?? []).length;
    if (lost > 0) broken(`${told}, and ${lost} of its bindings are gone`);
  }
  return violations;
}
