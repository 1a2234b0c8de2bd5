import { backupsOf, referenceFlow } from 'rotation-core/testing';
import { MAX_BARE_CONCURRENCY } from '../open-rotator.ts';
import type { RotationMutant } from '../rotation-flow.ts';
import { besideTransaction, openWithBatch } from './broken-reference.ts';

export const claimKeptOnRetry: RotationMutant = {
  name: 'claim-kept-on-retry',
  about: 'claims beside the transaction before the lock, and gives nothing back when a conflict makes it begin again',
  expected: 'violated',
  judged: 'end',
  breaks: ['I2'],
  depth: 2,
  maxConcurrency: MAX_BARE_CONCURRENCY,
  storms: [{ scenario: 'same-key', deployment: 'keypool' }],
  explorations: [{ scenario: 'same-key', deployment: 'keypool', callers: 2 }],
  open: openWithBatch((transaction, rotations, options) =>
    referenceFlow.rotateBatch(transaction, rotations, {
      ...options,
      steps: {
        ...options.steps,
        // Only called for a key that the snapshot shows as live. As old flows do, it names no incarnation: no index can refuse it.
        findFreeBackups: (inside) =>
          besideTransaction(inside, async ({ db, pool, session }) => {
            const backup = await backupsOf(db, pool).findOneAndUpdate(
              { isUsed: false },
              { $set: { isUsed: true, usedFor: rotations[0]?.keyId ?? '' }, $currentDate: { usedAt: true } },
              { session, sort: { _id: 1 } },
            );
            return backup === null ? [] : [backup._id];
          }),
        claimBackups: async (_transaction, { length }) => length,
      },
    }),
  ),
};
