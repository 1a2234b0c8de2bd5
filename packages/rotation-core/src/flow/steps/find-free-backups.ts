import type { Document } from 'mongodb';
import { backupsOf } from '../../documents.ts';
import { BSON_TYPE_OF, type IdKind } from '../../ids.ts';
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
 * Reads the ids of a page of free backups that the pool may claim, in the pool's order. An empty page proves that the snapshot has no free backup: the page is
 * not filtered further, and a backup that another open transaction is claiming still counts as free.
 *
 * The index `rotation_free` serves the query, so that its cost does not depend on the stock; `$match` with `$sample` would scan.
 */
export async function findFreeBackups(
  transaction: Transaction,
  limit: number,
  passedOver: readonly string[] = [],
): Promise<readonly string[]> {
  const { db, pool, session } = transaction;
  const { stored, text } = ownIdsOf(transaction);
  const page = await backupsOf(db, pool)
    .find(
      {
        ...freeFilterOf(pool),
        _id: { ...CAN_BE_KEY[idKindOf(pool)], $nin: passedOver.map(stored) },
      },
      { session, projection: { _id: 1 } },
    )
    .sort({ ...pool.order, _id: 1 })
    .limit(limit)
    .toArray();
  return page.flatMap(({ _id }) => text(_id) ?? []);
}
