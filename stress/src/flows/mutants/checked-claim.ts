import type { RotationMutant } from '../rotation-flow.ts';
import { openOldFlow } from './old-steps.ts';

export const checkedClaim: RotationMutant = {
  name: 'checked-claim',
  about:
    'checks that the key exists, then claims: all who passed the check claim a backup each, and at most one serves',
  expected: 'violated',
  judged: 'end',
  breaks: ['I2'],
  depth: 2,
  storms: [
    { scenario: 'same-key', deployment: 'keypool' },
    { scenario: 'same-key', deployment: 'openhands' },
  ],
  explorations: [{ scenario: 'same-key', deployment: 'keypool', callers: 2 }],
  open: openOldFlow(async (keyId, steps) => {
    if (!(await steps.keyExists(keyId))) return { kind: 'already-rotated' };
    const backup = await steps.claimBackup(keyId);
    if (backup === null) return { kind: 'no-backup' };
    const bindings = await steps.takeBindings(keyId);
    if (!(await steps.deleteKey(keyId))) return { kind: 'already-rotated', replacement: backup._id };
    await steps.insertKey(backup);
    await steps.createBindings(bindings, backup._id);
    return { kind: 'rotated', replacement: backup._id };
  }),
};
