import { keysOf, type Predecessor, type StoredKey } from '../../documents.ts';
import { ownIdsOf } from '../own-ids.ts';
import type { Transaction } from '../transaction.ts';

/** A live key that names its predecessors. */
export interface Heir {
  readonly key: StoredKey;
  readonly predecessors: readonly Predecessor[];
}

/** Reads the live keys that name one of these keys among their predecessors. @returns them by id. */
export async function readHeirs(transaction: Transaction, keyIds: readonly string[]): Promise<Map<string, Heir>> {
  const { db, pool, session } = transaction;
  const { stored, text, byId } = ownIdsOf(transaction);
  const keys = await keysOf(db, pool)
    .find({ 'predecessors.keyId': { $in: keyIds.map(stored) }, replacedBy: null }, { session })
    .toArray();
  const predecessorsOf = (key: StoredKey): readonly Predecessor[] =>
    (key.predecessors ?? []).flatMap((predecessor) => {
      const keyId = text(predecessor.keyId);
      return keyId === undefined ? [] : [{ ...predecessor, keyId }];
    });
  return new Map([...byId(keys)].map(([id, key]) => [id, { key, predecessors: predecessorsOf(key) }]));
}
