import { backupsOf, referenceFlow } from 'rotation-core/testing';
import { MAX_BARE_CONCURRENCY } from '../open-rotator.ts';
import type { RotationMutant } from '../rotation-flow.ts';
import { openWithBatch } from './broken-reference.ts';

export const claimBeforeLock: RotationMutant = {
  name: 'claim-before-lock',
  about: 'the reference, but a backup is claimed before the lock is taken: who then finds the key gone has wasted it',
  expected: 'violated',
  breaks: ['I2'],
  depth: 1,
  maxConcurrency: MAX_BARE_CONCURRENCY,
  storms: [{ scenario: 'late-callers', deployment: 'keypool' }],
  explorations: [{ scenario: 'same-key', deployment: 'keypool', callers: 2 }],
  open: openWithBatch(async (transaction, rotations, options) => {
    const { steps } = referenceFlow;
    const { db, pool, session } = transaction;
    const free = await steps.findFreeBackups(transaction, rotations.length);
    for (const [index, backupId] of free.entries())
      await backupsOf(db, pool).updateOne(
        { _id: backupId },
        { $set: { isUsed: true, usedFor: rotations[index]?.keyId ?? '' } },
        { session },
      );
    return referenceFlow.rotateBatch(transaction, rotations, {
      ...options,
      steps: {
        ...steps,
        findFreeBackups: async () => free,
        claimBackups: async (_transaction, { length }) => length,
      },
    });
  }),
};
