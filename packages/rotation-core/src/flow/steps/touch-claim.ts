import { backupsOf } from '../../documents.ts';
import type { Transaction } from '../transaction.ts';

/**
 * Writes to a claim, so that two transactions that counted the same claims conflict. Otherwise both would commit, and exceed together what
 * neither exceeds alone.
 */
export async function touchClaim({ db, pool, session }: Transaction, backupId: string): Promise<void> {
  await backupsOf(db, pool).updateOne({ _id: backupId }, { $inc: { brakeSequence: 1 } }, { session });
}
