import type { KnownBadSubject } from '../subject.ts';
import { openOldFlow } from './old-steps.ts';

export const naive: KnownBadSubject = {
  name: 'naive',
  about: 'reads a free backup and marks it used at the end: two callers read the same one',
  expected: 'violated',
  breaks: ['I3'],
  depth: 2,
  caughtBy: [{ scenario: 'many-keys', adapter: 'keypool' }],
  shownBy: { scenario: 'same-key', adapter: 'keypool', callers: 2, mode: 'exhaustive' },
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
