import type { RotationMutant } from '../rotation-flow.ts';
import { openOldFlow } from './old-steps.ts';

export const naive: RotationMutant = {
  name: 'naive',
  about: 'reads a free backup and marks it used at the end: two callers read the same one',
  expected: 'violated',
  judged: 'end',
  breaks: ['I3'],
  depth: 2,
  storms: [{ scenario: 'many-keys', deployment: 'keypool' }],
  explorations: [{ scenario: 'same-key', deployment: 'keypool', callers: 2 }],
  open: openOldFlow(async (keyId, steps) => {
    const backup = await steps.readFreeBackup();
    if (backup === null) return { kind: 'no-backup' };
    const bindings = await steps.takeBindings(keyId);
    if (!(await steps.deleteKey(keyId))) return { kind: 'already-rotated' };
    await steps.insertKey(backup);
    await steps.markUsed(backup._id, keyId);
    await steps.createBindings(bindings, backup._id);
    return { kind: 'rotated', replacement: backup._id };
  }),
};
