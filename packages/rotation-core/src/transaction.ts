import { setTimeout as sleep } from 'node:timers/promises';
import { MongoError, MongoServerError, type ClientSession, type MongoClient } from 'mongodb';

/** The commit is sent again this often while its result is unknown; after that the caller looks at the evidence. */
const COMMIT_ATTEMPTS = 5;
const COMMIT_BACKOFF_MS = 50;

/**
 * Runs one transaction, once. Read concern majority and write concern majority: what it read and wrote is durable when this
 * resolves, also where it only read (the server then waits for a no-op of its own).
 *
 * Not the driver's `withTransaction`: that one retries for 120 s, and its bound can't be set.
 *
 * @param onCommitInDoubt called when the commit got no clear reply: from here on it may have happened.
 * @throws the driver's error; see `isRetryable`.
 */
export async function runTransaction<T>(
  client: MongoClient,
  body: (session: ClientSession) => Promise<T>,
  onCommitInDoubt: () => void,
): Promise<T> {
  await using session = client.startSession({ causalConsistency: false }); // disposal aborts what is still open
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
      // Only this label says that the server undid it.
      if (hasLabel(error, 'TransientTransactionError')) throw error;
      onCommitInDoubt();
      if (!hasLabel(error, 'UnknownTransactionCommitResult') || attempt === COMMIT_ATTEMPTS) throw error;
      await sleep(COMMIT_BACKOFF_MS * attempt);
    }
  }
}

/**
 * Errors that say "this transaction is over" without a label: a command that was running when its session was killed, or
 * when the transaction's lifetime ended, is answered `Interrupted`; the one after it `NoSuchTransaction`.
 */
const ENDED_CODES: readonly unknown[] = [251, 11_601];

/**
 * True when a new transaction may go through where this one failed. Trying again is always safe: a transaction that was committed
 * after all has left its evidence, and the new one finds it.
 */
export const isRetryable = (error: unknown): boolean =>
  hasLabel(error, 'TransientTransactionError') ||
  hasLabel(error, 'UnknownTransactionCommitResult') ||
  hasLabel(error, 'SystemOverloadedError') ||
  (error instanceof MongoServerError && ENDED_CODES.includes(error.code));

const hasLabel = (error: unknown, label: string): boolean => error instanceof MongoError && error.hasErrorLabel(label);
