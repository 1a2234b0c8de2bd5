import { backupsOf, referenceFlow } from 'rotation-core/parts';
import { BARE_CONCURRENCY, openRotator } from '../rotator-subject.ts';
import type { KnownBadSubject } from '../subject.ts';

export const claimBeforeLock: KnownBadSubject = {
  name: 'claim-before-lock',
  about: 'the reference, but a backup is claimed before the lock is taken: who then finds the key gone has wasted it',
  expected: 'violated',
  breaks: ['I2'],
  depth: 1,
  concurrency: BARE_CONCURRENCY,
  caughtBy: [{ scenario: 'late-callers', adapter: 'keypool' }],
  shownBy: { scenario: 'same-key', adapter: 'keypool', callers: 2, mode: 'exhaustive' },
  open: openRotator(
    () => ({
      ...referenceFlow,
      rotateBatch: async (transaction, rotations, options) => {
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
      },
    }),
    { coalesce: false },
  ),
};
