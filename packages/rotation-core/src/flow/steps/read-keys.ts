import { keysOf, type StoredKey } from '../../documents.ts';
import { ownIdsOf } from '../own-ids.ts';
import { AS_STORED, type Transaction } from '../transaction.ts';

/**
 * Reads keys by id, live or kept. This is the first command of a rotation: it fixes the snapshot that the whole transaction sees.
 *
 * @returns the keys by id.
 */
export async function readKeys(transaction: Transaction, ids: readonly string[]): Promise<Map<string, StoredKey>> {
  const { db, pool, session } = transaction;
  const { stored, byId } = ownIdsOf(transaction);
  const keys = await keysOf(db, pool)
    .find({ _id: { $in: ids.map(stored) } }, { session, ...AS_STORED })
    .toArray();
  return byId(keys);
}
