import { backupsOf, type BackupDocument } from '../../documents.ts';
import type { Transaction } from '../transaction.ts';

/** The fields of a used backup that say what it was claimed for. */
export type Evidence = Pick<BackupDocument, '_id' | 'usedFor' | 'usedAt' | 'usedForIncarnation' | 'rotationId'>;

/** At most this many claims are read for each asked key, on average. Only flows that wasted backups by the hundred leave more. */
const MAX_EVIDENCE_PER_KEY = 1_000;

/** Reads the claims that were made for these keys of this pool, the latest first. */
export function readEvidence(
  { db, pool, session }: Transaction,
  keyIds: readonly string[],
): Promise<readonly Evidence[]> {
  return backupsOf(db, pool)
    .find(
      // null also matches a missing field: older claims don't name the collection.
      { usedFor: { $in: [...keyIds] }, isUsed: true, usedIn: { $in: [pool.collections.keys, null] } },
      { session, projection: { usedFor: 1, usedAt: 1, usedForIncarnation: 1, rotationId: 1 } },
    )
    .sort({ usedAt: -1, _id: 1 })
    .limit(MAX_EVIDENCE_PER_KEY * keyIds.length)
    .toArray();
}
