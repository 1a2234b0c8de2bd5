import { backupsOf, type BackupDocument } from '../documents.ts';
import type { Transaction } from '../rotation.ts';

export type Evidence = Pick<BackupDocument, '_id' | 'usedFor' | 'usedAt' | 'usedForIncarnation' | 'rotationId'>;

/** More claims than this for each asked key, on average, are not read; only flows that wasted hundreds left that many. */
const EVIDENCE_PER_KEY_MAX = 1_000;

/** Reads which backups were used for these keys, the latest claim first. */
export function readEvidence(
  { db, pool, session }: Transaction,
  keyIds: readonly string[],
): Promise<readonly Evidence[]> {
  return backupsOf(db, pool)
    .find(
      { usedFor: { $in: [...keyIds] }, isUsed: true },
      { session, projection: { usedFor: 1, usedAt: 1, usedForIncarnation: 1, rotationId: 1 } },
    )
    .sort({ usedAt: -1, _id: 1 })
    .limit(EVIDENCE_PER_KEY_MAX * keyIds.length)
    .toArray();
}
