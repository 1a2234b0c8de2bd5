import { bindingsOf, isLive } from '../documents.ts';
import type { CallContext, RotatorContext } from '../flow/context.ts';
import { followEvidence } from '../flow/follow-evidence.ts';
import { ownIdsOf } from '../flow/own-ids.ts';
import { retryTransaction } from '../flow/retry-transaction.ts';
import { idTextOf, type StoredId } from '../ids.ts';
import { idKindOf } from '../pool.ts';
import { touchKeys } from './touch-keys.ts';

/** The answer of `sweep`. */
export interface SweepResult<Id = string> {
  /** How many bindings were pointed to a live key. */
  readonly moved: number;
  /** Ids of keys that have bindings, but are not live and have no live successor. An operator has to decide about them. */
  readonly unresolved: readonly Id[];
}

/** At most this many keys are repaired in one transaction. */
const MAX_KEYS_PER_TRANSACTION = 100;

/**
 * Moves bindings that other writers left on replaced keys to the live successors. Each batch of keys has a transaction of its own.
 * Safe while rotations run.
 *
 * @throws RotationError
 */
export async function sweep(context: CallContext): Promise<SweepResult<StoredId>> {
  const dangling = await findDanglingKeyIds(context);
  const unresolved: StoredId[] = [];
  let moved = 0;
  for (let start = 0; start < dangling.length; start += MAX_KEYS_PER_TRANSACTION) {
    const batch = dangling.slice(start, start + MAX_KEYS_PER_TRANSACTION);
    const repaired = await retryTransaction(context, async (transaction) => {
      const { steps } = context.flow;
      const { stored } = ownIdsOf(transaction);
      const keys = await steps.readKeys(transaction, batch);
      const ended = batch.filter((id) => !isLive(keys.get(id))).map((keyId) => ({ keyId, incarnation: undefined }));
      const successors = await followEvidence(transaction, ended, steps);
      const moves = [...successors].map(([{ keyId }, { replacement }]) => ({ from: keyId, to: replacement }));
      if (moves.length > 0) await touchKeys(transaction, [...new Set(moves.map(({ to }) => to))]);
      return {
        moved: moves.length === 0 ? 0 : await steps.moveBindings(transaction, moves),
        unresolved: ended.filter((incarnation) => !successors.has(incarnation)).map(({ keyId }) => stored(keyId)),
      };
    });
    moved += repaired.moved;
    unresolved.push(...repaired.unresolved);
  }
  return { moved, unresolved };
}

/** Finds the ids that bindings point to and that are no live key. */
async function findDanglingKeyIds({ db, pool }: RotatorContext): Promise<readonly string[]> {
  const found = await bindingsOf(db, pool)
    .aggregate<{ _id: unknown }>([
      ...(pool.ownBindings === undefined ? [] : [{ $match: pool.ownBindings }]),
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
  return found.flatMap(({ _id }) => idTextOf(idKindOf(pool), _id) ?? []);
}
