import { backupsOf, type StoredBackup } from '../../documents.ts';
import { ownIdsOf } from '../own-ids.ts';
import type { Transaction } from '../transaction.ts';

/** The fields of a used backup that say what it was claimed for. */
export interface Evidence extends Pick<StoredBackup, 'usedAt' | 'usedForIncarnation' | 'rotationId'> {
  readonly backupId: string;
  readonly usedFor: string;
}

/** Only flows that wasted backups by the hundred leave more claims for one key. */
const BATCH_SIZE = 1_000;

/**
 * Reads all claims  that were made for these keys of this pool, the latest first. A bound would take the claims of one key for the absence of those of
 * another.
 */
export async function readEvidence(transaction: Transaction, keyIds: readonly string[]): Promise<readonly Evidence[]> {
  const { db, pool, session } = transaction;
  const { stored, text } = ownIdsOf(transaction);
  const claims = await backupsOf(db, pool)
    .find(
      // null also matches a missing field: older claims don't name the collection.
      { usedFor: { $in: keyIds.map(stored) }, isUsed: true, usedIn: { $in: [pool.collections.keys, null] } },
      { session, batchSize: BATCH_SIZE, projection: { usedFor: 1, usedAt: 1, usedForIncarnation: 1, rotationId: 1 } },
    )
    .sort({ usedAt: -1, _id: 1 })
    .toArray();
  return claims.flatMap(({ _id, usedFor, ...claim }) => {
    const [backupId, keyId] = [text(_id), text(usedFor)];
    return backupId === undefined || keyId === undefined ? [] : [{ ...claim, backupId, usedFor: keyId }];
  });
}
