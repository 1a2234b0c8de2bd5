import { backupsOf, type BackupDocument } from '../../documents.ts';
import type { Transaction } from '../transaction.ts';

/** Reads free backups with all their fields, for `verify`. @returns them in no order. */
export function readCandidates(
  { db, pool, session }: Transaction,
  ids: readonly string[],
): Promise<readonly BackupDocument[]> {
  return backupsOf(db, pool)
    .find({ _id: { $in: [...ids] } }, { session })
    .toArray();
}
