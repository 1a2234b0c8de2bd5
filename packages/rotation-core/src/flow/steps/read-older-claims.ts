import { backupsOf } from '../../documents.ts';
import { ownIdsOf } from '../own-ids.ts';
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
export async function readOlderClaims(
  transaction: Transaction,
  keyIds: readonly string[],
  maxAgeMs: number,
): Promise<readonly OlderClaim[]> {
  const { db, pool, session } = transaction;
  const { stored, text } = ownIdsOf(transaction);
  const claims = await backupsOf(db, pool)
    .find<{ readonly usedFor: unknown; readonly usedAt: Date }>(
      {
        usedFor: { $in: keyIds.map(stored) },
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
  return claims.flatMap(({ usedFor, usedAt }) => {
    const keyId = text(usedFor);
    return keyId === undefined ? [] : [{ usedFor: keyId, usedAt }];
  });
}
