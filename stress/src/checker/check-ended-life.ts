import type { PairRun } from '../explore/scenarios/pair-scenario.ts';
import { isDoubtful } from '../history.ts';
import type { BackupState, KeyState, PoolState } from '../pool-state.ts';
import { checkRun } from './check-run.ts';
import type { Violation } from './violation.ts';

/** A life of a key that was over when the run began. */
export interface EndedLife {
  readonly keyId: string;
  /** What took its place. */
  readonly backupId: string;
  /** The live key at the end of the chain. */
  readonly liveKeyId: string;
}

/**
 * For runs in which all callers mean a life that has ended, while an operator restores the backup that took its place, and puts
 * the key back. Nothing may be rotated: but for what the operator did, the pool stays as it was. Callers may learn of the live
 * key, or, once the backup is restored and the evidence with it gone, of none.
 */
export function checkEndedLife({ start, final, history, operated }: PairRun, ended: EndedLife): Violation[] {
  const keys = new Map<string, KeyState>(start.keys);
  const backups = new Map<string, BackupState>(start.backups);
  for (const { step, told } of operated) {
    if (step.kind === 'add-key' && told === 'added')
      keys.set(step.key._id, { id: step.key._id, live: true, apiKey: step.key.apiKey, content: '' });
    const backup = step.kind === 'restore' && told === 'restored' ? backups.get(step.backupId) : undefined;
    if (backup !== undefined) backups.set(backup.id, { ...backup, isUsed: false, usedFor: undefined });
  }
  const operatedStart: PoolState = { ...start, keys, backups };
  const nobody = { ...history, operations: [] };
  const isRestored = backups.get(ended.backupId)?.isUsed === false;
  return [
    ...checkRun({ start: operatedStart, between: [], final, history: nobody, expectations: { errorCodes: [] } }),
    ...history.operations.flatMap(({ caller, outcome }): Violation[] => {
      const isTrue =
        isDoubtful(outcome) ||
        outcome.kind === 'busy' ||
        (outcome.kind === 'already-rotated' && outcome.replacement === ended.liveKeyId) ||
        (outcome.kind === 'not-found' && isRestored);
      if (isTrue) return [];
      const named = 'replacement' in outcome ? ` with replacement ${outcome.replacement}` : '';
      const sentence = `caller ${caller} was told ${outcome.kind}${named} for a life of ${ended.keyId} that had ended, and ${ended.liveKeyId} is live`;
      return [{ promise: 'I5', sentence }];
    }),
  ];
}
