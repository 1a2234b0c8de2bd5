import { keysOf } from '../documents.ts';
import { ownIdsOf } from '../flow/own-ids.ts';
import type { Transaction } from '../flow/transaction.ts';

/**
 * Writes to keys to which bindings are about to be pointed, so that a rotation of such a key at the same moment conflicts.
 * Without a conflict both would commit. The rotation moves only the bindings that its snapshot holds, and the new bindings would
 * stay on the retired key.
 */
export async function touchKeys(transaction: Transaction, ids: readonly string[]): Promise<void> {
  const { db, pool, session } = transaction;
  const { stored } = ownIdsOf(transaction);
  await keysOf(db, pool).updateMany({ _id: { $in: ids.map(stored) } }, { $inc: { bindingSequence: 1 } }, { session });
}
