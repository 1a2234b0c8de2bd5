import { backupsOf } from '../../documents.ts';
import type { Transaction } from '../transaction.ts';

/** A claim of this pool. */
export interface RecentClaim {
  readonly _id: string;
  /** Milliseconds since the claim, by the server's clock. */
  readonly ageMs: number;
}

/** Reads the latest claims of the pool, the latest first. The index `rotation_recent` covers the query. */
export async function readRecentClaims(
  { db, pool, session }: Transaction,
  limit: number,
): Promise<readonly RecentClaim[]> {
  const claims = await backupsOf(db, pool)
    .find(
      { usedIn: pool.collections.keys, usedAt: { $type: 'date' } },
      { session, projection: { ageMs: { $subtract: ['$$NOW', '$usedAt'] } } },
    )
    .sort({ usedAt: -1 })
    .limit(limit)
    .toArray();
  return claims.map(({ _id, ...rest }) => ({ _id, ageMs: Number((rest as { ageMs?: unknown }).ageMs) }));
}
