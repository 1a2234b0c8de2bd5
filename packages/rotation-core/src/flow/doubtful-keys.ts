import { isLive, type StoredKey } from '../documents.ts';
import type { Steps } from './steps/index.ts';
import type { Transaction } from './transaction.ts';

/**
 * Finds the keys that may have been replaced although they have no `replacedBy`: their status is one of the pool's
 * `keptStatuses`, and nothing is bound to them. So older flows left a key that they had replaced. But so looks also a key that
 * failed and waits for stock: only the claims tell which of the two it is.
 *
 * @returns the ids of the doubtful keys.
 */
export async function findDoubtfulKeys(
  transaction: Transaction,
  keys: ReadonlyMap<string, StoredKey>,
  steps: Steps,
): Promise<Set<string>> {
  const statuses = transaction.pool.keptStatuses ?? [];
  const ids = [...keys]
    .filter(([, key]) => isLive(key) && key.status !== undefined && statuses.includes(key.status))
    .map(([id]) => id);
  if (ids.length === 0) return new Set();
  const bound = await steps.boundKeys(transaction, ids);
  return new Set(ids.filter((id) => !bound.has(id)));
}
