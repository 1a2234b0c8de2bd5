import type { Document } from 'mongodb';
import { bindingsOf, EXACT } from '../../documents.ts';
import type { StoredId } from '../../ids.ts';
import { ownIdsOf } from '../own-ids.ts';
import type { Transaction } from '../transaction.ts';

/** Moves all bindings of the key `from` to the key `to`. */
export interface BindingMove {
  readonly from: string;
  readonly to: string;
}

/** Each move is two writes of one command. */
export const WRITES_PER_MOVE = 2;

/**
 * Points ALL bindings of each key to another key, and leaves their other fields alone but `movedBindingFields`. Of a binding that holds several
 * keys in an array, only the elements that equal the key are changed: these go first, for after that no array is found any more.
 *
 * @returns how many bindings were moved.
 */
export async function moveBindings(transaction: Transaction, moves: readonly BindingMove[]): Promise<number> {
  const { db, pool, session } = transaction;
  const { stored } = ownIdsOf(transaction);
  const field = pool.bindingKeyField;
  const times = Object.fromEntries((pool.movedBindingFields ?? []).map((name) => [name, true] as const));
  const update = (place: string, to: StoredId): Document => ({
    $set: { [place]: to },
    ...(Object.keys(times).length === 0 ? {} : { $currentDate: times }),
  });
  const result = await bindingsOf(db, pool).bulkWrite(
    moves
      .map((move) => ({ from: stored(move.from), to: stored(move.to) }))
      .flatMap(({ from, to }) => [
        {
          updateMany: {
            filter: { ...pool.ownBindings, [field]: { $eq: from, $elemMatch: { $eq: from } } },
            update: update(`${field}.$[same]`, to),
            arrayFilters: [{ same: from }],
            collation: EXACT,
          },
        },
        { updateMany: { filter: { ...pool.ownBindings, [field]: from }, update: update(field, to), collation: EXACT } },
      ]),
    { session },
  );
  return result.modifiedCount;
}
