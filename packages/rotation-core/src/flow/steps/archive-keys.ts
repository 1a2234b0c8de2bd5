import type { KeyDocument } from '../../documents.ts';
import { archiveOf } from '../../pool.ts';
import type { Replacement } from '../replacement.ts';
import type { Transaction } from '../transaction.ts';

/**
 * Copies the failed keys, as the transaction's snapshot holds them, into the archive if the pool has one. A copy has the
 * `rotationId` too. It overwrites the copy of an earlier incarnation: with an insert instead, a duplicate key would refuse
 * every later rotation of that id.
 */
export async function archiveKeys(
  { db, pool, session }: Transaction,
  replacements: readonly Replacement[],
): Promise<void> {
  const archive = archiveOf(pool);
  if (archive === undefined) return;
  await db.collection<KeyDocument>(archive).bulkWrite(
    replacements.map(({ failedKey: { _id, ...fields }, rotation: { rotationId } }) => ({
      replaceOne: { filter: { _id }, replacement: { ...fields, rotationId }, upsert: true },
    })),
    { session },
  );
}
