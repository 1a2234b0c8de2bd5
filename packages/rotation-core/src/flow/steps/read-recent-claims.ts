import { backupsOf } from '../../documents.ts';
import { ownIdsOf } from '../own-ids.ts';
import type { Transaction } from '../transaction.ts';

/** A claim of this pool. */
export interface RecentClaim {
  readonly backupId: string;
  /** Milliseconds since the claim, by the server's clock. */
  readonly ageMs: number;
}

/** Reads the latest claims of the pool, the latest first. The index `rotation_recent` covers the query. */
export async function readRecentClaims(transaction: Transaction, limit: number): Promise<readonly RecentClaim[]> {
  const { db, pool, session } = transaction;
  const { byId } = ownIdsOf(transaction);
  const claims = await backupsOf(db, pool)
    .find<{ readonly _id: unknown; readonly ageMs: unknown }>(
      { usedIn: pool.collections.keys, usedAt: { $type: 'date' } },
      { session, batchSize: limit + 1, projection: { ageMs: { $subtract: ['$$NOW', '$usedAt'] } } },
    )
    .sort({ usedAt: -1 })
    .limit(limit)
    .toArray();
  return [...byId(claims)].map(([backupId, { ageMs }]) => ({ backupId, ageMs: Number(ageMs) }));
}
