import type { RotationMutant } from '../rotation-flow.ts';
import { contendedKeys } from './fault-storm.ts';
import { openOldFlow } from './old-steps.ts';

export const intentWithoutRecovery: RotationMutant = {
  name: 'intent-without-recovery',
  about:
    'writes on the key that it rotates it, then takes single steps; when it dies between them, nobody else takes the others',
  expected: 'violated',
  judged: 'end',
  breaks: ['I2', 'served-again'],
  depth: 1,
  storms: [],
  explorations: [{ scenario: 'same-key', deployment: 'keypool', callers: 2, faults: ['crash-after'] }],
  faultStorms: [contendedKeys('kill-caller')],
  open: openOldFlow(async (keyId, steps) => {
    if (!(await steps.keyExists(keyId))) return { kind: 'already-rotated' };
    if (!(await steps.writeIntent(keyId))) return { kind: 'busy' };
    const backup = await steps.claimBackup(keyId);
    if (backup === null) {
      await steps.withdrawIntent(keyId);
      return { kind: 'no-backup' };
    }
    await steps.insertKey(backup);
    await steps.moveBindings(keyId, backup._id);
    await steps.deleteKey(keyId);
    return { kind: 'rotated', replacement: backup._id };
  }),
};
