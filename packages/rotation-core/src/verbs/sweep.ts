import { bindingsOf, EXACT, isLive } from '../documents.ts';
import type { CallContext, RotatorContext } from '../flow/context.ts';
import { followEvidence } from '../flow/follow-evidence.ts';
import { ownIdsOf } from '../flow/own-ids.ts';
import { isRefused } from '../flow/driver-error.ts';
import type { Steps } from '../flow/steps/index.ts';
import { isRetryable, type Transaction } from '../flow/transaction.ts';
import { retryCommand, retryTransaction } from '../flow/retry-transaction.ts';
import { idTextOf, type StoredId } from '../ids.ts';
import { idKindOf } from '../pool.ts';

/** The answer of `sweep`. */
export interface SweepResult<Id = string> {
  /** How many bindings were pointed to a live key. */
  readonly moved: number;
  /**
   * Ids of keys that have bindings and are not live, and either have no live successor, or have bindings that a unique index or a validator of the service
   * does not allow there. An operator has to decide about them.
   */
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
  const dangling = await retryCommand(context, () => findDanglingIds(context));
  const text = (id: StoredId): string | undefined => idTextOf(idKindOf(context.pool), id);
  const batches = chunksOf(
    dangling.flatMap((id) => text(id) ?? []),
    MAX_KEYS_PER_TRANSACTION,
  );
  // An id of another kind is no key's.
  const unresolved = dangling.filter((id) => text(id) === undefined);
  let moved = 0;
  for (let batch = batches.shift(); batch !== undefined; batch = batches.shift()) {
    const repaired = await repair(context, batch);
    if (repaired === 'too-much') batches.unshift(...chunksOf(batch, Math.ceil(batch.length / 2)));
    else {
      moved += repaired.moved;
      unresolved.push(...repaired.unresolved);
    }
  }
  return { moved, unresolved };
}

const chunksOf = (ids: readonly string[], size: number): (readonly string[])[] =>
  Array.from({ length: Math.ceil(ids.length / size) }, (_, index) => ids.slice(index * size, (index + 1) * size));

/**
 * Repairs some keys in one transaction. Several are tried once: what they meet may concern one of them alone, and more keys are more to conflict with.
 *
 * @returns `too-much` where fewer keys may succeed
 */
async function repair(context: CallContext, keyIds: readonly string[]): Promise<SweepResult<StoredId> | 'too-much'> {
  const isAlone = keyIds.length === 1;
  const maxAttempts = isAlone ? context.settings.maxAttempts : 1;
  const bounded = { ...context, settings: { ...context.settings, maxAttempts } };
  try {
    return await retryTransaction(bounded, (transaction) => moveToSuccessors(transaction, keyIds, context.flow.steps));
  } catch (error) {
    if (isAlone && isRefused(error)) return { moved: 0, unresolved: keyIds.map(ownIdsOf(context).stored) };
    if (isAlone || !(isRefused(error) || isRetryable(error))) throw error;
    return 'too-much';
  }
}

async function moveToSuccessors(
  transaction: Transaction,
  keyIds: readonly string[],
  steps: Steps,
): Promise<SweepResult<StoredId>> {
  const { stored } = ownIdsOf(transaction);
  const keys = await steps.readKeys(transaction, keyIds);
  const ended = keyIds.filter((id) => !isLive(keys.get(id))).map((keyId) => ({ keyId, incarnation: undefined }));
  const successors = await followEvidence(transaction, ended, steps);
  const moves = [...successors].map(([{ keyId }, { replacement }]) => ({ from: keyId, to: replacement }));
  if (moves.length > 0) await steps.touchKeys(transaction, [...new Set(moves.map(({ to }) => to))]);
  return {
    moved: moves.length === 0 ? 0 : await steps.moveBindings(transaction, moves),
    unresolved: ended.filter((incarnation) => !successors.has(incarnation)).map(({ keyId }) => stored(keyId)),
  };
}

/** Finds the ids that bindings point to and that are no live key. */
async function findDanglingIds({ db, pool }: RotatorContext): Promise<readonly StoredId[]> {
  const found = await bindingsOf(db, pool)
    .aggregate<{ _id: StoredId }>(
      [
        ...(pool.ownBindings === undefined ? [] : [{ $match: pool.ownBindings }]),
        // A binding may hold several keys in an array.
        { $unwind: `$${pool.bindingKeyField}` },
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
      ],
      { collation: EXACT },
    )
    .toArray();
  return found.map(({ _id }) => _id);
}
