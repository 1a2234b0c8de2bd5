import { backupsOf, referenceFlow } from 'rotation-core/testing';
import { openRotator } from '../open-rotator.ts';
import type { RotationMutant } from '../rotation-flow.ts';

export const restoreKeepsUsedFor: RotationMutant = {
  name: 'restore-keeps-used-for',
  about: 'the reference, but a restored backup keeps the marks of its use, and stands in the way of the key it was for',
  expected: 'violated',
  breaks: ['I5'],
  depth: 1,
  storms: [{ scenario: 'mixed-traffic', deployment: 'keypool' }],
  explorations: [{ scenario: 'put-back', deployment: 'keypool', callers: 1 }],
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
