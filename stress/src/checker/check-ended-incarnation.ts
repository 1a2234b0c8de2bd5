import type { BackupState, KeyState, PoolState } from '../model/pool-state.ts';
import { isDoubtful } from '../model/rotation-types.ts';
import { checkRun } from './check-run.ts';
import type { RotationViolation } from './invariants.ts';
import type { RotationRun } from './rotation-run.ts';

/** An incarnation of a key that was over when the run began. */
export interface EndedIncarnation {
  readonly keyId: string;
  /** What took its place. */
  readonly backupId: string;
  /** The live key at the end of the chain. */
  readonly liveKeyId: string;
}

/**
 * For runs in which all callers mean an incarnation that has ended, while an operator restores the backup that took its place, and puts
 * the key back. Nothing may be rotated: but for what the operator did, the pool stays as it was. Callers may learn of the live
 * key, or, once the backup is restored and the evidence with it gone, of none.
 */
export function checkEndedIncarnation(
  { start, final, history, operated }: RotationRun,
  ended: EndedIncarnation,
): RotationViolation[] {
  const keys = new Map<string, KeyState>(start.keys);
  const backups = new Map<string, BackupState>(start.backups);
  for (const { call, answer } of operated) {
    if (call.op === 'add-key' && answer.kind === 'added')
      keys.set(call.keyId, { id: call.keyId, live: true, apiKey: '', content: '' });
    const backup = call.op === 'restore' && answer.kind === 'restored' ? backups.get(call.backupId) : undefined;
    if (backup !== undefined) backups.set(backup.id, { ...backup, isUsed: false, usedFor: undefined });
  }
  const operatedStart: PoolState = { ...start, keys, backups };
  const nobody = { ...history, operations: [] };
  const isRestored = backups.get(ended.backupId)?.isUsed === false;
  return [
    ...checkRun({ start: operatedStart, between: [], final, history: nobody, expectedErrors: [] }),
    ...history.operations.flatMap(({ caller, answer }): RotationViolation[] => {
      const isTrue =
        isDoubtful(answer) ||
        answer.kind === 'busy' ||
        (answer.kind === 'already-rotated' && answer.replacement === ended.liveKeyId) ||
        ((answer.kind === 'not-found' || answer.kind === 'other-incarnation') && isRestored);
      if (isTrue) return [];
      const named = 'replacement' in answer ? ` with replacement ${answer.replacement}` : '';
      const sentence = `caller ${caller} was told ${answer.kind}${named} for an incarnation of ${ended.keyId} that had ended, and ${ended.liveKeyId} is live`;
      return [{ invariant: 'I5', sentence }];
    }),
  ];
}
