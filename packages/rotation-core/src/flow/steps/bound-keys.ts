import { bindingsOf, EXACT } from '../../documents.ts';
import { ownIdsOf } from '../own-ids.ts';
import type { Transaction } from '../transaction.ts';

/** Finds out which of these keys have a binding. Not by `distinct`, which the strict stable API lacks. @returns their ids. */
export async function boundKeys(transaction: Transaction, keyIds: readonly string[]): Promise<Set<string>> {
  const { db, pool, session } = transaction;
  const { stored, text } = ownIdsOf(transaction);
  const bound = await bindingsOf(db, pool)
    .aggregate<{ readonly _id: unknown }>(
      [
        { $match: { ...pool.ownBindings, [pool.bindingKeyField]: { $in: keyIds.map(stored) } } },
        { $group: { _id: `$${pool.bindingKeyField}` } },
      ],
      { session, collation: EXACT },
    )
    .toArray();
  return new Set(bound.flatMap(({ _id }) => _id).flatMap((id) => text(id) ?? []));
}
