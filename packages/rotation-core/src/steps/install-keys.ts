import { keysOf, type BackupDocument, type KeyDocument } from '../documents.ts';
import type { Replacement, Transaction } from '../rotation.ts';

/**
 * Makes the claimed backups live keys. A kept key of the same id (a backup that was live once, and restored) gives way; a live
 * one does not: the upsert then tries to insert and meets a duplicate key, for a free backup that is a live key is damage.
 *
 * @returns how many were installed.
 */
export async function installKeys(
  { db, pool, session }: Transaction,
  replacements: readonly Replacement[],
  backups: ReadonlyMap<string, BackupDocument>,
): Promise<number> {
  const result = await keysOf(db, pool).bulkWrite(
    replacements.map(({ rotation, backupId }) => ({
      replaceOne: {
        filter: { _id: backupId, replacedBy: { $type: 'string' } },
        replacement: newKey(rotation.rotationId, backups.get(backupId)),
        upsert: true,
      },
    })),
    { session },
  );
  return result.upsertedCount + result.matchedCount;
}

/**
 * A new key starts healthy with its counters at 0; fields of the backup that this package doesn't know come along. Marks of an
 * earlier life do not, which a backup has that was made out of a kept key: with `replacedBy` it would never be live.
 */
function newKey(
  rotationId: string,
  backup: (BackupDocument & Partial<KeyDocument>) | undefined,
): Omit<KeyDocument, '_id'> {
  if (backup === undefined) throw new TypeError('a claimed backup was not read');
  const { _id, isUsed, activated, usedAt, usedFor, usedForIncarnation, rotationId: claimedBy, ...own } = backup;
  const { replacedBy, replacedAt, bindingSequence, ...kept } = own;
  return {
    ...kept,
    status: 'healthy',
    tokensUsed: 0,
    requestsCount: 0,
    createdAt: new Date(),
    incarnation: rotationId,
  };
}
