import type { RotationMutant } from '../rotation-flow.ts';
import { openOldFlow } from './old-steps.ts';

export const markFirst: RotationMutant = {
  name: 'mark-first',
  about: 'marks the key exhausted and drops its bindings before the claim: "no backup left" already costs the bindings',
  expected: 'violated',
  judged: 'end',
  breaks: ['I4'],
  depth: 1,
  storms: [{ scenario: 'scarce', deployment: 'openhandspool' }],
  explorations: [{ scenario: 'scarce', deployment: 'openhandspool', callers: 2 }],
  open: openOldFlow(async (keyId, steps) => {
    if (!(await steps.keyExists(keyId))) return { kind: 'already-rotated' };
    await steps.setExhausted(keyId);
    const bindings = await steps.takeBindings(keyId);
    const backup = await steps.claimBackup(keyId);
    if (backup === null) return { kind: 'no-backup' };
    await steps.deleteKey(keyId);
    await steps.insertKey(backup);
    await steps.createBindings(bindings, backup._id);
    return { kind: 'rotated', replacement: backup._id };
  }),
};
