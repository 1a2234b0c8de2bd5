import type { Transaction } from 'rotation-core/testing';
import { MAJORITY } from '../majority.ts';

/**
 * Runs a body in a transaction of its own. The rotator's own transaction stays empty: its commit sends nothing.
 */
export async function inOwnTransaction<T>(
  transaction: Transaction,
  body: (own: Transaction) => Promise<T>,
): Promise<T> {
  await using session = transaction.db.client.startSession({ causalConsistency: false });
  session.startTransaction(MAJORITY);
  const value = await body({ ...transaction, session });
  await session.commitTransaction();
  return value;
}
