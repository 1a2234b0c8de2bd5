import { setTimeout as sleep } from 'node:timers/promises';
import { MongoError, MongoServerError, type ClientSession, type Db, type MongoClient } from 'mongodb';
import type { Pool } from '../pool.ts';

/** The open transaction in which a step runs. */
export interface Transaction {
  readonly db: Db;
  readonly pool: Pool;
  readonly session: ClientSession;
}

/** Options of a read whose documents are written again: each value keeps its BSON type. */
export const AS_STORED = {
  promoteValues: false,
  promoteLongs: false,
  promoteBuffers: false,
  bsonRegExp: true,
} as const;

/** At most this many commits are sent while the result is unknown; a new transaction then finds out by the evidence. */
const MAX_COMMIT_ATTEMPTS = 5;
/** Wait before the second commit; before the third twice as long, and so on. */
const COMMIT_BACKOFF_MS = 50;

/**
 * Runs one transaction, once, with read concern and write concern majority. When it resolves, all that the transaction read and
 * wrote is durable; also where the transaction only read, for the server then commits a no-op.
 *
 * The driver's `withTransaction` is no alternative: it retries for 120 s, and that bound can't be set.
 *
 * @param onCommitInDoubt called if a commit got no clear reply: from then on the transaction may have been committed.
 * @throws the driver's error; see `isRetryable`.
 */
export async function runTransaction<T>(
  client: MongoClient,
  body: (session: ClientSession) => Promise<T>,
  onCommitInDoubt: () => void,
): Promise<T> {
  await using session = client.startSession({ causalConsistency: false }); // its disposal aborts a transaction that is still open
  session.startTransaction({
    readConcern: { level: 'majority' },
    writeConcern: { w: 'majority' },
    readPreference: 'primary',
  });
  const value = await body(session);
  for (let attempt = 1; ; attempt++) {
    try {
      await session.commitTransaction();
      return value;
    } catch (error) {
      // This label alone says that the server undid the transaction.
      if (hasLabel(error, 'TransientTransactionError')) throw error;
      onCommitInDoubt();
      if (!hasLabel(error, 'UnknownTransactionCommitResult') || attempt === MAX_COMMIT_ATTEMPTS) throw error;
      await sleep(COMMIT_BACKOFF_MS * attempt);
    }
  }
}

/**
 * `NoSuchTransaction` and `Interrupted`, which the server sends without a label. A command that runs while its session is killed,
 * or while the transaction's lifetime ends, is answered `Interrupted`; the next command is answered `NoSuchTransaction`.
 */
const ENDED_CODES: readonly unknown[] = [251, 11_601];

/**
 * True if a new transaction may succeed where this one failed. A retry is always safe: if the failed transaction was committed
 * after all, the new one finds its evidence.
 */
export const isRetryable = (error: unknown): boolean =>
  hasLabel(error, 'TransientTransactionError') ||
  hasLabel(error, 'UnknownTransactionCommitResult') ||
  hasLabel(error, 'SystemOverloadedError') ||
  (error instanceof MongoServerError && ENDED_CODES.includes(error.code));

const hasLabel = (error: unknown, label: string): boolean => error instanceof MongoError && error.hasErrorLabel(label);
