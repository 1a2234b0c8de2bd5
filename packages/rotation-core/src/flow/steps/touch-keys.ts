import { keysOf } from '../../documents.ts';
import { ownIdsOf } from '../own-ids.ts';
import type { Transaction } from '../transaction.ts';

/**
 * Writes to live keys, so that any other transaction that writes to one of them conflicts, and a single write waits. As the first command, it leaves no time between the
 * snapshot and the lock: a service that counts on the key all the time would come in between again and again.
 *
 * `bind` and `sweep` touch the keys to which they point bindings. Otherwise a rotation of such a key could commit at the same moment: it moves only the
 * bindings that its snapshot holds, and the new bindings would stay on the retired key.
 */
export async function touchKeys(transaction: Transaction, ids: readonly string[]): Promise<void> {
  const { db, pool, session } = transaction;
  const { stored } = ownIdsOf(transaction);
  await keysOf(db, pool).updateMany(
    { _id: { $in: ids.map(stored) }, replacedBy: null },
    { $inc: { bindingSequence: 1 } },
    { session },
  );
}
