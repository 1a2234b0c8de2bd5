import { backupsOf } from '../../documents.ts';
import { ownIdsOf } from '../own-ids.ts';
import type { Transaction } from '../transaction.ts';

/** A claim that an older flow made a moment ago. */
export interface OlderClaim {
  readonly usedFor: string;
  readonly usedAt: Date;
}

/** Only flows that waste backups by the hundred make more claims in so short a time. */
const BATCH_SIZE = 1_000;

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
      { session, batchSize: BATCH_SIZE, projection: { _id: 0, usedFor: 1, usedAt: 1 } },
    )
    .sort({ usedAt: -1 })
    .toArray();
  return claims.flatMap(({ usedFor, usedAt }) => {
    const keyId = text(usedFor);
    return keyId === undefined ? [] : [{ usedFor: keyId, usedAt }];
  });
}
