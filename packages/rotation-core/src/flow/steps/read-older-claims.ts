import { backupsOf } from '../../documents.ts';
import type { Transaction } from '../transaction.ts';

/** A claim that an older flow made a moment ago. */
export interface OlderClaim {
  readonly usedFor: string;
  readonly usedAt: Date;
}

/** Flows that waste backups by the hundred claim that many for one key; the latest tell enough. */
const MAX_CLAIMS = 1_000;

/**
 * Reads the claims for these keys that are younger than `maxAgeMs` by the server's clock and were made by no rotation, the latest first. The
 * index `rotation_evidence` serves the query.
 */
export function readOlderClaims(
  { db, pool, session }: Transaction,
  keyIds: readonly string[],
  maxAgeMs: number,
): Promise<readonly OlderClaim[]> {
  return backupsOf(db, pool)
    .find<OlderClaim>(
      {
        usedFor: { $in: [...keyIds] },
        isUsed: true,
        rotationId: { $exists: false },
        usedAt: { $type: 'date' },
        // A service's clock may be ahead of the server's.
        $expr: { $lt: [{ $abs: { $subtract: ['$$NOW', '$usedAt'] } }, maxAgeMs] },
      },
      { session, projection: { _id: 0, usedFor: 1, usedAt: 1 } },
    )
    .sort({ usedAt: -1 })
    .limit(MAX_CLAIMS)
    .toArray();
}
