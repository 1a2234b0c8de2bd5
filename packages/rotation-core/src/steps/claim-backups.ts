import { incarnationOf, backupsOf } from '../documents.ts';
import type { Replacement, Transaction } from '../rotation.ts';

/**
 * Claims one backup for each failed key, and writes down what for: id, incarnation and rotation are the evidence that a late
 * caller is answered from, and a unique index on them makes "one backup for one life of a key" a rule of the database too.
 *
 * @returns how many were claimed; less than asked for can't be, for the snapshot holds them all as free.
 */
export async function claimBackups(
  { db, pool, session }: Transaction,
  replacements: readonly Replacement[],
): Promise<number> {
  const result = await backupsOf(db, pool).bulkWrite(
    replacements.map(({ rotation, failedKey, backupId }) => ({
      updateOne: {
        filter: { _id: backupId, isUsed: false },
        update: {
          $set: {
            isUsed: true,
            usedFor: failedKey._id,
            usedForIncarnation: incarnationOf(failedKey),
            rotationId: rotation.rotationId,
          },
          // the server's clock: claims of several processes can be told apart by their order
          $currentDate: { usedAt: true },
        },
      },
    })),
    { session },
  );
  return result.modifiedCount;
}
