import type { StoredKey } from '../../documents.ts';
import type { RecordArchive } from '../../pool.ts';
import { ownIdsOf } from '../own-ids.ts';
import type { Replacement } from '../replacement.ts';
import type { Transaction } from '../transaction.ts';

/** Copies the failed keys, as the transaction's snapshot holds them, into the archive if the pool has one. */
export async function archiveKeys(transaction: Transaction, replacements: readonly Replacement[]): Promise<void> {
  const { retirement } = transaction.pool;
  const archive = retirement.kind === 'delete' ? retirement.archive : undefined;
  if (typeof archive === 'string') await copyKeys(transaction, archive, replacements);
  else if (archive !== undefined) await recordKeys(transaction, archive, replacements);
}

/**
 * One copy for each id, which has the `rotationId` too. It overwrites the copy of an earlier incarnation: with an insert instead, a duplicate
 * key would refuse every later rotation of that id.
 */
async function copyKeys(
  { db, session }: Transaction,
  archive: string,
  replacements: readonly Replacement[],
): Promise<void> {
  await db.collection<StoredKey>(archive).bulkWrite(
    replacements.map(({ failedKey: { _id, ...fields }, rotation: { rotationId } }) => ({
      replaceOne: { filter: { _id }, replacement: { ...fields, rotationId }, upsert: true },
    })),
    { session },
  );
}

/** A new document for each retirement. */
async function recordKeys(
  transaction: Transaction,
  { collection, deletedBy }: RecordArchive,
  replacements: readonly Replacement[],
): Promise<void> {
  const { db, pool, session } = transaction;
  const { stored } = ownIdsOf(transaction);
  await db.collection(collection).insertMany(
    replacements.map(({ failedKey, backupId, rotation: { reason, rotationId } }) => ({
      sourceCollection: pool.collections.keys,
      sourceId: failedKey._id,
      reason,
      deletedBy,
      deletedAt: new Date(),
      document: failedKey,
      metadata: { replacementKeyId: stored(backupId), rotationId },
    })),
    { session },
  );
}
