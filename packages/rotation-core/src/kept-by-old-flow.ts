import { incarnationOf, type KeyDocument } from './documents.ts';
import { findDoubtfulKeys } from './doubtful-keys.ts';
import { followEvidence, type Successor } from './follow-evidence.ts';
import type { Transaction } from './rotation.ts';
import type { Steps } from './steps/index.ts';

/**
 * Finds keys that an older flow replaced but kept, without a mark: they look like it, and a backup that was used for them is, or
 * was followed by, a live key.
 *
 * @returns the live key after each of them, by the kept key's id.
 */
export async function findKeptByOldFlow(
  transaction: Transaction,
  keys: readonly KeyDocument[],
  steps: Steps,
): Promise<Map<string, Successor>> {
  const doubtful = await findDoubtfulKeys(transaction, keys, steps);
  if (doubtful.size === 0) return new Map();
  const lives = keys
    .filter(({ _id }) => doubtful.has(_id))
    .map((key) => ({ keyId: key._id, incarnation: incarnationOf(key), begunAt: key.createdAt }));
  const successors = await followEvidence(transaction, lives, steps);
  return new Map([...successors].map(([{ keyId }, successor]) => [keyId, successor]));
}
