import type { RotationMutant } from '../rotation-flow.ts';
import { openOldFlow } from './old-steps.ts';

export const keptKey: RotationMutant = {
  name: 'kept-key',
  about: 'keeps the failed key as exhausted, which fools its existence check for ever: each late caller claims again',
  expected: 'violated',
  judged: 'end',
  breaks: ['I1'],
  depth: 1,
  storms: [{ scenario: 'late-callers', deployment: 'openhandspool' }],
  explorations: [{ scenario: 'same-key', deployment: 'openhandspool', callers: 2 }],
  open: openOldFlow(async (keyId, steps) => {
    if (!(await steps.keyExists(keyId))) return { kind: 'already-rotated' };
    const backup = await steps.claimBackup(keyId);
    if (backup === null) return { kind: 'no-backup' };
    const bindings = await steps.takeBindings(keyId);
    await steps.setExhausted(keyId);
    await steps.insertKey(backup);
    await steps.createBindings(bindings, backup._id);
    return { kind: 'rotated', replacement: backup._id };
  }),
};
