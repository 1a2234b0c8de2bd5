import type { Document } from 'mongodb';
import { backupsOf } from '../../documents.ts';
import { BSON_TYPE_OF, type IdKind, type StoredId } from '../../ids.ts';
import { freeFilterOf, idKindOf } from '../../pool.ts';
import { ownIdsOf } from '../own-ids.ts';
import type { Transaction } from '../transaction.ts';

/** What can't be the id of a key is no backup. */
const CAN_BE_KEY: Readonly<Record<IdKind, Document>> = {
  string: { $type: BSON_TYPE_OF.string, $gt: '' },
  objectId: { $type: BSON_TYPE_OF.objectId },
  uuid: { $type: BSON_TYPE_OF.uuid },
};

/**
 * Reads the ids of a page of free backups that the pool may claim, in the pool's order. An empty page proves that the snapshot has no free backup: it is
 * the last page, and a backup that another open transaction is claiming still counts as free.
 *
 * The index `rotation_free` serves the query, so that its cost does not depend on the stock; `$match` with `$sample` would scan.
 */
export async function findFreeBackups(
  transaction: Transaction,
  limit: number,
  passedOver: readonly string[] = [],
): Promise<readonly string[]> {
  const { stored, text } = ownIdsOf(transaction);
  const left = passedOver.map(stored);
  for (;;) {
    const page = await readPage(transaction, limit, left);
    const usable = page.flatMap((id) => text(id) ?? []);
    if (usable.length > 0 || page.length < limit) return usable;
    left.push(...page);
  }
}

async function readPage(
  { db, pool, session }: Transaction,
  limit: number,
  left: readonly StoredId[],
): Promise<readonly StoredId[]> {
  const page = await backupsOf(db, pool)
    .find(
      { ...freeFilterOf(pool), _id: { ...CAN_BE_KEY[idKindOf(pool)], $nin: [...left] } },
      // One more than the limit: the server closes the cursor with the first batch.
      { session, projection: { _id: 1 }, batchSize: limit + 1 },
    )
    .sort({ ...pool.order, _id: 1 })
    .limit(limit)
    .toArray();
  return page.map(({ _id }) => _id);
}
