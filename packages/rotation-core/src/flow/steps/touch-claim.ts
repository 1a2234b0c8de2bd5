import { backupsOf } from '../../documents.ts';
import { ownIdsOf } from '../own-ids.ts';
import type { Transaction } from '../transaction.ts';

/**
 * Writes to a claim, so that two transactions that counted the same claims conflict. Otherwise both would commit, and exceed together what
 * neither exceeds alone.
 */
export async function touchClaim(transaction: Transaction, backupId: string): Promise<void> {
  const { db, pool, session } = transaction;
  await backupsOf(db, pool).updateOne(
    { _id: ownIdsOf(transaction).stored(backupId) },
    { $inc: { brakeSequence: 1 } },
    { session },
  );
}
