import { storedIncarnationOf, backupsOf } from '../../documents.ts';
import { ownIdsOf } from '../own-ids.ts';
import type { Replacement } from '../replacement.ts';
import type { Transaction } from '../transaction.ts';

/**
 * Claims one backup for each failed key. The claim names key, collection, incarnation and rotation: this is the evidence from which late
 * callers are answered. A unique index on key and incarnation makes "at most one backup for one incarnation" (I1) a rule of the
 * database.
 *
 * @returns how many backups were claimed. It is all of them, for the snapshot holds them as free.
 */
export async function claimBackups(transaction: Transaction, replacements: readonly Replacement[]): Promise<number> {
  const { db, pool, session } = transaction;
  const { stored } = ownIdsOf(transaction);
  const result = await backupsOf(db, pool).bulkWrite(
    replacements.map(({ rotation, failedKey, backupId }) => ({
      updateOne: {
        filter: { _id: stored(backupId), isUsed: false },
        update: {
          $set: {
            ...pool.usedBackup,
            isUsed: true,
            usedFor: failedKey._id,
            usedForIncarnation: storedIncarnationOf(failedKey),
            rotationId: rotation.rotationId,
            usedIn: pool.collections.keys,
          },
          // By the server's clock: the clocks of several processes would not put their claims in order.
          $currentDate: { usedAt: true },
        },
      },
    })),
    { session },
  );
  return result.modifiedCount;
}
