import { backupsOf, type StoredBackup } from '../../documents.ts';
import { ownIdsOf } from '../own-ids.ts';
import type { Transaction } from '../transaction.ts';

/** Reads free backups with all their fields, for `verify`. @returns the backups by id. */
export async function readCandidates(
  transaction: Transaction,
  ids: readonly string[],
): Promise<Map<string, StoredBackup>> {
  const { db, pool, session } = transaction;
  const { stored, byId } = ownIdsOf(transaction);
  const backups = await backupsOf(db, pool)
    .find({ _id: { $in: ids.map(stored) } }, { session })
    .toArray();
  return byId(backups);
}
