import type { RotationMutant } from '../rotation-flow.ts';
import { openOldFlow } from './old-steps.ts';

export const noTransaction: RotationMutant = {
  name: 'no-transaction',
  about:
    'the right writes in the right order, each committed alone: all is well at the end, and meanwhile the key is gone',
  expected: 'violated',
  breaks: ['I2', 'I3'],
  depth: 1,
  storms: [],
  explorations: [{ scenario: 'same-key', deployment: 'keypool', callers: 2 }],
  open: openOldFlow(async (keyId, steps) => {
    const backup = await steps.claimBackup(keyId);
    if (backup === null) return { kind: 'no-backup' };
    if (!(await steps.deleteKey(keyId))) {
      await steps.giveBack(backup._id);
      return { kind: 'already-rotated' };
    }
    await steps.insertKey(backup);
    await steps.moveBindings(keyId, backup._id);
    return { kind: 'rotated', replacement: backup._id };
  }),
};
