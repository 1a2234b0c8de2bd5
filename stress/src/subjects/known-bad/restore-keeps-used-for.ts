import { backupsOf, referenceFlow } from 'rotation-core/parts';
import { openRotator } from '../rotator-subject.ts';
import type { KnownBadSubject } from '../subject.ts';

export const restoreKeepsUsedFor: KnownBadSubject = {
  name: 'restore-keeps-used-for',
  about: 'the reference, but a restored backup keeps the marks of its use, and stands in the way of the key it was for',
  expected: 'violated',
  breaks: ['I5'],
  depth: 1,
  caughtBy: [],
  shownBy: { scenario: 'put-back', adapter: 'keypool', callers: 1, mode: 'exhaustive' },
  operates: true,
  open: openRotator(() => referenceFlow, {
    coalesce: false,
    operator: (db, pool) => ({
      restoreBackup: async (backupId) => {
        const result = await backupsOf(db, pool).updateOne(
          { _id: backupId, isUsed: true },
          { $set: { isUsed: false } },
        );
        return { kind: result.modifiedCount === 1 ? 'restored' : 'already-free' };
      },
    }),
  }),
};
