import { bindingsOf } from '../../documents.ts';
import type { Transaction } from '../transaction.ts';

/** Moves all bindings of the key `from` to the key `to`. */
export interface BindingMove {
  readonly from: string;
  readonly to: string;
}

/** Points ALL bindings of each key to another key, and leaves their other fields alone. @returns how many bindings were moved. */
export async function moveBindings({ db, pool, session }: Transaction, moves: readonly BindingMove[]): Promise<number> {
  const result = await bindingsOf(db, pool).bulkWrite(
    moves.map(({ from, to }) => ({
      updateMany: { filter: { [pool.bindingKeyField]: from }, update: { $set: { [pool.bindingKeyField]: to } } },
    })),
    { session },
  );
  return result.modifiedCount;
}
