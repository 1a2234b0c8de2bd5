import { bindingsOf } from '../../documents.ts';
import type { Transaction } from '../transaction.ts';

/** Finds out which of these keys have a binding. Not by `distinct`, which the strict stable API lacks. @returns their ids. */
export async function boundKeys({ db, pool, session }: Transaction, keyIds: readonly string[]): Promise<Set<string>> {
  const bound = await bindingsOf(db, pool)
    .aggregate<{ readonly _id: unknown }>(
      [{ $match: { [pool.bindingKeyField]: { $in: [...keyIds] } } }, { $group: { _id: `$${pool.bindingKeyField}` } }],
      { session },
    )
    .toArray();
  return new Set(bound.flatMap(({ _id }) => _id).filter((id) => typeof id === 'string'));
}
