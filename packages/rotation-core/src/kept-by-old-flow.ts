import { incarnationOf, isLive, type KeyDocument } from './documents.ts';
import { followEvidence } from './follow-evidence.ts';
import type { Transaction } from './rotation.ts';
import type { Steps } from './steps/index.ts';

/**
 * Finds keys that an older flow replaced but kept, without a mark: the status says so, no binding points to them, and a backup
 * that was used for them is live. An exhausted key that still waits for stock has bindings or no such backup.
 */
export async function findKeptByOldFlow(
  transaction: Transaction,
  keys: readonly KeyDocument[],
  steps: Steps,
): Promise<Set<string>> {
  const statuses = transaction.pool.keptStatuses ?? [];
  const doubtful = keys.filter(
    (key) => isLive(key) && key.incarnation === undefined && key.status !== undefined && statuses.includes(key.status),
  );
  if (doubtful.length === 0) return new Set();
  const bound = await steps.boundKeys(
    transaction,
    doubtful.map(({ _id }) => _id),
  );
  const unbound = doubtful
    .filter(({ _id }) => !bound.has(_id))
    .map((key) => ({ keyId: key._id, incarnation: incarnationOf(key) }));
  const successors = await followEvidence(transaction, unbound, steps);
  return new Set([...successors.keys()].map(({ keyId }) => keyId));
}
