import { bindingsOf } from '../../documents.ts';
import type { Transaction } from '../transaction.ts';

/** Finds out which of these keys have a binding. @returns their ids. */
export async function boundKeys({ db, pool, session }: Transaction, keyIds: readonly string[]): Promise<Set<string>> {
  const bound: unknown[] = await bindingsOf(db, pool).distinct(
    pool.bindingKeyField,
    { [pool.bindingKeyField]: { $in: [...keyIds] } },
    { session },
  );
  return new Set(bound.filter((id) => typeof id === 'string'));
}
