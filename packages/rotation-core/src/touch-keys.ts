import { keysOf } from './documents.ts';
import type { Transaction } from './rotation.ts';

/**
 * Writes to keys that bindings are about to be pointed to. A rotation moves only the bindings that its snapshot holds, so
 * without this both would commit, and the new bindings would stay on the retired key. With it one of the two meets a conflict.
 */
export async function touchKeys({ db, pool, session }: Transaction, ids: readonly string[]): Promise<void> {
  await keysOf(db, pool).updateMany({ _id: { $in: [...ids] } }, { $inc: { bindingSequence: 1 } }, { session });
}
