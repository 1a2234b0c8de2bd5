import { brakeOf } from '../pool.ts';
import type { Steps } from './steps/index.ts';
import type { Transaction } from './transaction.ts';

/** How many rotations may be made now. */
export interface Allowance {
  readonly count: number;
  /** What the transaction has to write to before it claims, so that others which counted the same claims conflict; undefined: nothing. */
  readonly lock?: { readonly latestClaim: string | undefined };
  /** When the next one may be made, by this process's clock; where the count is not enough. */
  readonly until: Date;
}

/** Transactions that run at once, in all processes, and that need not be counted exactly: with more, the bound may be exceeded by those beyond. */
const MAX_UNCOUNTED = 64;

/**
 * The brake: where an upstream refuses every key, each replacement fails as well, and the stock would be gone in seconds. The claims of the
 * latest time are counted in the transaction's snapshot, and so for all processes.
 *
 *   A: counts 99 of 100 ... claims one, commits
 *   B: counts 99 of 100 ............ claims one, commits: 101
 *
 * So a transaction that, with others like it, could exceed the bound has to write to the latest claim, or to the first free backup where nothing was ever claimed: B
 * conflicts, and counts again.
 */
export async function applyBrake(transaction: Transaction, wanted: number, steps: Steps): Promise<Allowance> {
  const brake = brakeOf(transaction.pool);
  if (brake === false) return { count: wanted, until: new Date() };
  const { maxRotations, perMs } = brake;
  const claims = await steps.readRecentClaims(transaction, maxRotations);
  const recent = claims.filter(({ ageMs }) => ageMs < perMs);
  const oldest = recent.at(-1);
  const until = new Date(Date.now() + perMs - (oldest?.ageMs ?? 0));
  const count = Math.min(wanted, maxRotations - recent.length);
  const isNear = count > 0 && recent.length + MAX_UNCOUNTED * count > maxRotations;
  return { count, until, ...(isNear ? { lock: { latestClaim: claims[0]?.backupId } } : {}) };
}
