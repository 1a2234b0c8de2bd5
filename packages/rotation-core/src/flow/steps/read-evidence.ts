import { backupsOf, type StoredBackup } from '../../documents.ts';
import { ownIdsOf } from '../own-ids.ts';
import type { Transaction } from '../transaction.ts';

/** The fields of a used backup that say what it was claimed for. */
export interface Evidence extends Pick<StoredBackup, 'usedAt' | 'usedForIncarnation' | 'rotationId'> {
  readonly backupId: string;
  readonly usedFor: string;
}

/** At most this many claims are read for each asked key, on average. Only flows that wasted backups by the hundred leave more. */
const MAX_EVIDENCE_PER_KEY = 1_000;

/** Reads the claims that were made for these keys of this pool, the latest first. */
export async function readEvidence(transaction: Transaction, keyIds: readonly string[]): Promise<readonly Evidence[]> {
  const { db, pool, session } = transaction;
  const { stored, text } = ownIdsOf(transaction);
  const claims = await backupsOf(db, pool)
    .find(
      // null also matches a missing field: older claims don't name the collection.
      { usedFor: { $in: keyIds.map(stored) }, isUsed: true, usedIn: { $in: [pool.collections.keys, null] } },
      { session, projection: { usedFor: 1, usedAt: 1, usedForIncarnation: 1, rotationId: 1 } },
    )
    .sort({ usedAt: -1, _id: 1 })
    .limit(MAX_EVIDENCE_PER_KEY * keyIds.length)
    .toArray();
  return claims.flatMap(({ _id, usedFor, ...claim }) => {
    const [backupId, keyId] = [text(_id), text(usedFor)];
    return backupId === undefined || keyId === undefined ? [] : [{ ...claim, backupId, usedFor: keyId }];
  });
}
