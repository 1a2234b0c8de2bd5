import type { KeyDocument } from '../documents.ts';
import type { Replacement, Transaction } from '../rotation.ts';

/**
 * Copies the failed keys into the archive, where the pool has one, as the transaction's snapshot holds them. The copy carries
 * the `rotationId`; a copy of an earlier life of the same id gives way.
 */
export async function archiveKeys(
  { db, pool, session }: Transaction,
  replacements: readonly Replacement[],
): Promise<void> {
  if (pool.retirement.kind !== 'delete' || pool.retirement.archive === undefined) return;
  await db.collection<KeyDocument>(pool.retirement.archive).bulkWrite(
    replacements.map(({ failedKey: { _id, ...fields }, rotation: { rotationId } }) => ({
      replaceOne: { filter: { _id }, replacement: { ...fields, rotationId }, upsert: true },
    })),
    { session },
  );
}
