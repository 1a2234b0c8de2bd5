import { backupsOf } from '../../documents.ts';
import type { Transaction } from '../transaction.ts';

/**
 * Reads the ids of a page of free backups, in index order. An empty page proves that the snapshot has no free backup: the page is
 * not filtered further, and a backup that another open transaction is claiming still counts as free.
 *
 * The index on {isUsed, _id} covers the query, so that its cost does not depend on the stock; `$match` with `$sample` would scan.
 */
export async function findFreeBackups({ db, pool, session }: Transaction, limit: number): Promise<readonly string[]> {
  const page = await backupsOf(db, pool)
    .find({ isUsed: false }, { session, projection: { _id: 1 } })
    .sort({ _id: 1 })
    .limit(limit)
    .toArray();
  return page.map(({ _id }) => _id);
}
