import { backupsOf } from '../../documents.ts';
import { MAX_ID_LENGTH } from '../../options.ts';
import { freeFilterOf } from '../../pool.ts';
import type { Transaction } from '../transaction.ts';

/** What can't be the id of a key is no backup. */
const canBeKey = (id: string): boolean => id.length <= MAX_ID_LENGTH;

/**
 * Reads the ids of a page of free backups that the pool may claim, in the pool's order. An empty page proves that the snapshot has no free backup: the page is
 * not filtered further, and a backup that another open transaction is claiming still counts as free.
 *
 * The index `rotation_free` serves the query, so that its cost does not depend on the stock; `$match` with `$sample` would scan.
 */
export async function findFreeBackups(
  { db, pool, session }: Transaction,
  limit: number,
  passedOver: readonly string[] = [],
): Promise<readonly string[]> {
  const page = await backupsOf(db, pool)
    .find(
      { ...freeFilterOf(pool), _id: { $type: 'string', $gt: '', $nin: [...passedOver] } },
      { session, projection: { _id: 1 } },
    )
    .sort({ ...pool.order, _id: 1 })
    .limit(limit)
    .toArray();
  return page.map(({ _id }) => _id).filter(canBeKey);
}
