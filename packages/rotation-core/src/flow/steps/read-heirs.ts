import { keysOf, type KeyDocument } from '../../documents.ts';
import type { Transaction } from '../transaction.ts';

/** Reads the live keys that name one of these keys among their predecessors. */
export function readHeirs(
  { db, pool, session }: Transaction,
  keyIds: readonly string[],
): Promise<readonly KeyDocument[]> {
  return keysOf(db, pool)
    .find({ 'predecessors.keyId': { $in: [...keyIds] }, replacedBy: null }, { session })
    .toArray();
}
