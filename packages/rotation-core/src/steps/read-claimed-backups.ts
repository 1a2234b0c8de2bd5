import { backupsOf, type BackupDocument } from '../documents.ts';
import type { Replacement, Transaction } from '../rotation.ts';

/** Reads the claimed backups whole, for the keys to be made out of them. */
export async function readClaimedBackups(
  { db, pool, session }: Transaction,
  replacements: readonly Replacement[],
): Promise<Map<string, BackupDocument>> {
  const backups = await backupsOf(db, pool)
    .find({ _id: { $in: replacements.map(({ backupId }) => backupId) } }, { session })
    .toArray();
  return new Map(backups.map((backup) => [backup._id, backup]));
}
