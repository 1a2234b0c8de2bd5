import { bindingsOf } from '../documents.ts';
import type { Transaction } from '../rotation.ts';

/** From which key to which the bindings go. */
export interface BindingMove {
  readonly from: string;
  readonly to: string;
}

/** Points ALL bindings of each key to another one; their other fields stay as they are. @returns how many were moved. */
export async function moveBindings({ db, pool, session }: Transaction, moves: readonly BindingMove[]): Promise<number> {
  const result = await bindingsOf(db, pool).bulkWrite(
    moves.map(({ from, to }) => ({
      updateMany: { filter: { [pool.bindingKeyField]: from }, update: { $set: { [pool.bindingKeyField]: to } } },
    })),
    { session },
  );
  return result.modifiedCount;
}
