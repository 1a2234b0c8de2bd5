import { backupsOf } from '../documents.ts';
import type { Transaction } from '../rotation.ts';

/**
 * Reads a page of free backup ids, in index order. An empty page means that this snapshot has no free backup: nothing is
 * filtered out, and a backup that another open transaction is claiming still counts as free.
 *
 * The index on {isUsed, _id} covers it, so it costs the same whatever the stock; `$match` with `$sample` would scan.
 */
export async function findFreeBackups({ db, pool, session }: Transaction, limit: number): Promise<readonly string[]> {
  const page = await backupsOf(db, pool)
    .find({ isUsed: false }, { session, projection: { _id: 1 } })
    .sort({ _id: 1 })
    .limit(limit)
    .toArray();
  return page.map(({ _id }) => _id);
}
