import { backupsOf, type StoredBackup } from '../../documents.ts';
import { ownIdsOf } from '../own-ids.ts';
import type { Replacement } from '../replacement.ts';
import { AS_STORED, type Transaction } from '../transaction.ts';

/** Reads the claimed backups with all their fields, of which the new keys are made. @returns the backups by id. */
export async function readClaimedBackups(
  transaction: Transaction,
  replacements: readonly Replacement[],
): Promise<Map<string, StoredBackup>> {
  const { db, pool, session } = transaction;
  const { stored, byId } = ownIdsOf(transaction);
  const backups = await backupsOf(db, pool)
    .find({ _id: { $in: replacements.map(({ backupId }) => stored(backupId)) } }, { session, ...AS_STORED })
    .toArray();
  return byId(backups);
}
