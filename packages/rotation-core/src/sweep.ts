import type { RotatorContext } from './context.ts';
import { toRotationError } from './database-error.ts';
import { bindingsOf, isLive } from './documents.ts';
import { followEvidence } from './follow-evidence.ts';
import { retryTransaction } from './retry-transaction.ts';
import { touchKeys } from './touch-keys.ts';

export interface SweepResult {
  /** Bindings pointed to a live key. */
  readonly moved: number;
  /** Keys that bindings still point to though neither they nor a successor is live; somebody has to decide. */
  readonly unresolved: readonly string[];
}

/** Keys repaired in one transaction. */
const SWEEP_BATCH = 100;

/**
 * Repairs bindings that other writers left on keys that were replaced. Each batch is a transaction of its own; running it while
 * rotations run is safe.
 *
 * @throws RotationError
 */
export async function sweep(context: RotatorContext): Promise<SweepResult> {
  const dangling = await findDanglingKeyIds(context);
  const unresolved: string[] = [];
  let moved = 0;
  for (let start = 0; start < dangling.length; start += SWEEP_BATCH) {
    const batch = dangling.slice(start, start + SWEEP_BATCH);
    const repaired = await retryTransaction(context, async (transaction) => {
      const { steps } = context.flow;
      const keys = await steps.readKeys(transaction, batch);
      const lives = batch.filter((id) => !isLive(keys.get(id))).map((keyId) => ({ keyId, incarnation: undefined }));
      const successors = await followEvidence(transaction, lives, steps);
      const moves = [...successors].map(([{ keyId }, { replacement }]) => ({ from: keyId, to: replacement }));
      if (moves.length > 0) await touchKeys(transaction, [...new Set(moves.map(({ to }) => to))]);
      return {
        moved: moves.length === 0 ? 0 : await steps.moveBindings(transaction, moves),
        unresolved: lives.filter((life) => !successors.has(life)).map(({ keyId }) => keyId),
      };
    });
    moved += repaired.moved;
    unresolved.push(...repaired.unresolved);
  }
  return { moved, unresolved };
}

/** Ids that bindings point to and that are no live key. */
async function findDanglingKeyIds({ db, pool }: RotatorContext): Promise<readonly string[]> {
  try {
    const found = await bindingsOf(db, pool)
      .aggregate<{ _id: unknown }>([
        { $group: { _id: `$${pool.bindingKeyField}` } },
        {
          $lookup: {
            from: pool.collections.keys,
            localField: '_id',
            foreignField: '_id',
            pipeline: [{ $match: { replacedBy: null } }, { $project: { _id: 1 } }],
            as: 'live',
          },
        },
        { $match: { live: [] } },
        { $project: { _id: 1 } },
      ])
      .toArray();
    return found.map(({ _id }) => _id).filter((id) => typeof id === 'string');
  } catch (error) {
    throw toRotationError(error);
  }
}
