import type { RotationMutant } from '../rotation-flow.ts';
import { openOldFlow } from './old-steps.ts';

export const surplusInsert: RotationMutant = {
  name: 'surplus-insert',
  about: "does not look at the delete's count: every caller that passed the check installs a key, bound to nothing",
  expected: 'violated',
  judged: 'end',
  breaks: ['I1'],
  depth: 2,
  storms: [{ scenario: 'same-key', deployment: 'keypool' }],
  explorations: [{ scenario: 'same-key', deployment: 'keypool', callers: 2 }],
  open: openOldFlow(async (keyId, steps) => {
    if (!(await steps.keyExists(keyId))) return { kind: 'already-rotated' };
    const backup = await steps.claimBackup(keyId);
    if (backup === null) return { kind: 'no-backup' };
    const bindings = await steps.takeBindings(keyId);
    await steps.deleteKey(keyId);
    await steps.insertKey(backup);
    await steps.createBindings(bindings, backup._id);
    return { kind: 'rotated', replacement: backup._id };
  }),
};
