import { backupsOf, type BackupDocument } from '../../documents.ts';
import type { Replacement } from '../replacement.ts';
import { AS_STORED, type Transaction } from '../transaction.ts';

/** Reads the claimed backups with all their fields, of which the new keys are made. @returns the backups by id. */
export async function readClaimedBackups(
  { db, pool, session }: Transaction,
  replacements: readonly Replacement[],
): Promise<Map<string, BackupDocument>> {
  const backups = await backupsOf(db, pool)
    .find({ _id: { $in: replacements.map(({ backupId }) => backupId) } }, { session, ...AS_STORED })
    .toArray();
  return new Map(backups.map((backup) => [backup._id, backup]));
}
