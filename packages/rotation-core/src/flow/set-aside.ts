import { backupsOf, type StoredBackup } from '../documents.ts';
import { setAsideFieldsOf } from '../pool.ts';
import { ownIdsOf } from './own-ids.ts';
import type { Transaction } from './transaction.ts';

/**
 * Marks a free backup, so that no process claims it; nothing is deleted. A claim at the same moment conflicts with the mark. Left alone is a
 * backup that was claimed or set aside meanwhile, and one whose credential is not the one that was verified.
 *
 *   A: verifies b1: refused ........................... marks b1
 *   operator: ................. puts a good apiKey in
 *
 * The credential is compared here and not in the filter of the update: the server logs the filters of slow commands.
 *
 * @returns `taken`: it was claimed, set aside or deleted meanwhile. `changed`: it is free, and not as it was verified.
 */
export async function setAside(
  transaction: Transaction,
  backupId: string,
  isVerified: (backup: StoredBackup) => boolean,
  reason: string,
): Promise<'marked' | 'taken' | 'changed'> {
  const { db, pool, session } = transaction;
  const fields = setAsideFieldsOf(pool);
  const backups = backupsOf(db, pool);
  const filter = { _id: ownIdsOf(transaction).stored(backupId), isUsed: false, [fields.at]: null };
  const backup = await backups.findOne(filter, { session });
  if (backup === null) return 'taken';
  if (!isVerified(backup)) return 'changed';
  const { modifiedCount } = await backups.updateOne(
    filter,
    { $set: { [fields.reason]: reason }, $currentDate: { [fields.at]: true } },
    { session },
  );
  return modifiedCount === 1 ? 'marked' : 'taken';
}
