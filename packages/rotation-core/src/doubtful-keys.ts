import { isLive, type KeyDocument } from './documents.ts';
import type { Transaction } from './rotation.ts';
import type { Steps } from './steps/index.ts';

/**
 * Says which of these keys are live by their fields, and yet look as older flows left those that they had replaced and kept: the
 * status says so, and no binding points to them. Either that, or such a key failed and waits for stock; the claims tell.
 */
export async function findDoubtfulKeys(
  transaction: Transaction,
  keys: readonly KeyDocument[],
  steps: Steps,
): Promise<Set<string>> {
  const statuses = transaction.pool.keptStatuses ?? [];
  const ids = keys
    .filter((key) => isLive(key) && key.status !== undefined && statuses.includes(key.status))
    .map(({ _id }) => _id);
  if (ids.length === 0) return new Set();
  const bound = await steps.boundKeys(transaction, ids);
  return new Set(ids.filter((id) => !bound.has(id)));
}
