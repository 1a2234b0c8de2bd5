import { keysOf, type KeyDocument } from '../../documents.ts';
import { AS_STORED, type Transaction } from '../transaction.ts';

/**
 * Reads keys by id, live or kept. This is the first command of a rotation: it fixes the snapshot that the whole transaction sees.
 *
 * @returns the keys by id.
 */
export async function readKeys(
  { db, pool, session }: Transaction,
  ids: readonly string[],
): Promise<Map<string, KeyDocument>> {
  const keys = await keysOf(db, pool)
    .find({ _id: { $in: [...ids] } }, { session, ...AS_STORED })
    .toArray();
  return new Map(keys.map((key) => [key._id, key]));
}
