import type { TransactionOptions } from 'mongodb';
import type { Transaction } from 'rotation-core/testing';

/** As the reference's. */
export const MAJORITY: TransactionOptions = { readConcern: { level: 'majority' }, writeConcern: { w: 'majority' } };

/**
 * Runs a body in a transaction of its own with these options. The rotator's own transaction stays empty: its commit sends nothing.
 */
export async function inOwnTransaction<T>(
  transaction: Transaction,
  options: TransactionOptions,
  body: (own: Transaction) => Promise<T>,
): Promise<T> {
  await using session = transaction.db.client.startSession({ causalConsistency: false });
  session.startTransaction(options);
  const value = await body({ ...transaction, session });
  await session.commitTransaction();
  return value;
}
