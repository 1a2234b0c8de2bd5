import { keysOf } from '../../documents.ts';
import { ownIdsOf } from '../own-ids.ts';
import type { Replacement } from '../replacement.ts';
import type { Transaction } from '../transaction.ts';

/**
 * Retires the failed keys: deletes them, or marks them as replaced. This write is the lock of a rotation.
 *
 *   A: reads k1        B: reads k1
 *   A: retires k1      B: retires k1 -> write conflict; B starts again and finds A's evidence
 *
 * If this were a read, A and B would both go on and claim a backup each.
 *
 * @returns how many keys were retired. It is all of them, for the snapshot holds them as live.
 */
export async function retireKeys(transaction: Transaction, replacements: readonly Replacement[]): Promise<number> {
  const { db, pool, session } = transaction;
  const { stored } = ownIdsOf(transaction);
  const { retirement } = pool;
  const keys = keysOf(db, pool);
  const filterOf = ({ failedKey }: Replacement) => ({
    _id: failedKey._id,
    // null also matches a missing field: an old document has no incarnation, a live key no replacedBy
    incarnation: failedKey.incarnation ?? null,
    replacedBy: null,
  });
  if (retirement.kind === 'delete') {
    const result = await keys.bulkWrite(
      replacements.map((replacement) => ({ deleteOne: { filter: filterOf(replacement) } })),
      { session },
    );
    return result.deletedCount;
  }
  const result = await keys.bulkWrite(
    replacements.map((replacement) => ({
      updateOne: {
        filter: filterOf(replacement),
        update: {
          $set: {
            status: retirement.status[replacement.rotation.reason],
            replacedBy: stored(replacement.backupId),
            rotationId: replacement.rotation.rotationId,
          },
          $currentDate: { replacedAt: true },
        },
      },
    })),
    { session },
  );
  return result.modifiedCount;
}
