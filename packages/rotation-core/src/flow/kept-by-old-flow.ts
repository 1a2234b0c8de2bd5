import { beganAt, storedIncarnationOf, type StoredKey } from '../documents.ts';
import { findDoubtfulKeys } from './doubtful-keys.ts';
import { followEvidence, type Successor } from './follow-evidence.ts';
import type { Steps } from './steps/index.ts';
import type { Transaction } from './transaction.ts';

/**
 * Finds the keys that an older flow replaced but kept without `replacedBy`: doubtful keys for which a backup was used that is
 * live, or has a live successor.
 *
 * @returns the successor of each such key, by the key's id.
 */
export async function findKeptByOldFlow(
  transaction: Transaction,
  keys: ReadonlyMap<string, StoredKey>,
  steps: Steps,
): Promise<Map<string, Successor>> {
  const doubtful = await findDoubtfulKeys(transaction, keys, steps);
  if (doubtful.size === 0) return new Map();
  const replaced = [...keys]
    .filter(([keyId]) => doubtful.has(keyId))
    .map(([keyId, key]) => ({ keyId, incarnation: storedIncarnationOf(key), begunAt: beganAt(key) }));
  const successors = await followEvidence(transaction, replaced, steps);
  return new Map([...successors].map(([{ keyId }, successor]) => [keyId, successor]));
}
