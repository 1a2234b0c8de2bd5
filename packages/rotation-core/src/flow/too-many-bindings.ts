import { bindingsOf, EXACT } from '../documents.ts';
import { RotationError } from '../errors.ts';
import { shownId } from '../pool.ts';
import type { RotatorContext } from './context.ts';
import { ownIdsOf } from './own-ids.ts';
import type { Place } from './place.ts';

/**
 * With more bindings than this a key may be too large for one transaction. The server holds all changes of a transaction in its
 * cache, and undoes one that fills it: with the code of a write conflict, and again at each attempt.
 */
const MAX_BINDINGS = 50_000;

/**
 * Finds out whether an attempt failed because the key has too many bindings, which no further attempt would mend.
 *
 * @param place where the attempt failed.
 * @returns the error for the caller; undefined if the rotation may be tried again.
 */
export async function findTooManyBindings(
  context: RotatorContext,
  keyId: string,
  { step }: Place,
): Promise<RotationError | undefined> {
  if (step !== 'moveBindings') return undefined;
  const { db, pool } = context;
  const { stored } = ownIdsOf(context);
  const count = await bindingsOf(db, pool)
    .countDocuments(
      { ...pool.ownBindings, [pool.bindingKeyField]: stored(keyId) },
      { limit: MAX_BINDINGS + 1, collation: EXACT },
    )
    .catch(() => 0); // the next attempt meets the same trouble
  if (count <= MAX_BINDINGS) return undefined;
  const { bindings } = pool.collections;
  return new RotationError(
    'too-many-bindings',
    `rotate ${shownId(pool, keyId)}: there are too many bindings for one transaction: more than ${MAX_BINDINGS} in ${bindings} point to the key, and the server undid the transaction that moved them. Remove bindings that are not needed, or enlarge the server's cache. The rotation was undone.`,
  );
}
