import { setTimeout as sleep } from 'node:timers/promises';
import type { ClientSession, Db } from 'mongodb';
import type { Concerns } from '../options.ts';
import type { AnyPool } from '../pool.ts';
import { hasLabel, isUnreachable, serverAnswerOf } from './driver-error.ts';
import { orNewPrimary, PrimaryChanged } from './new-primary.ts';
import { requireTransactions } from './require-transactions.ts';
import { putBackSession, takeSession } from './rotation-sessions.ts';

/** The open transaction in which a step runs. */
export interface Transaction {
  readonly db: Db;
  readonly pool: AnyPool;
  readonly session: ClientSession;
}

/** Options of a read whose documents are written again: each value keeps its BSON type. */
export const AS_STORED = {
  promoteValues: false,
  promoteLongs: false,
  promoteBuffers: false,
  bsonRegExp: true,
} as const;

/** What the caller of `runTransaction` learns and decides before the end. */
export interface CommitHooks {
  /** Called before the first commit is sent. What it throws undoes the transaction. */
  readonly beforeCommit?: () => void;
  /** A commit got no clear reply: from then on the transaction may have been committed. */
  readonly onCommitInDoubt: () => void;
}

/** At most this many commits are sent while the result is unknown; a new transaction then finds out by the evidence. */
const MAX_COMMIT_ATTEMPTS = 5;
/** Wait before the second commit; before the third twice as long, and so on. */
const COMMIT_BACKOFF_MS = 50;

/**
 * Runs one transaction, once. With both concerns majority, all that the transaction read and wrote is durable when it resolves; also where
 * the transaction only read, for the server then commits a no-op.
 *
 * The driver's `withTransaction` is no alternative: it retries for 120 s, and that bound can't be set.
 *
 * @throws the driver's error, or PrimaryChanged: what is under way then ends without a commit, or is in doubt; see `isRetryable`. RotationError `not-a-replica-set` before anything is done.
 */
export async function runTransaction<T>(
  db: Db,
  { readConcern, writeConcern }: Concerns,
  body: (session: ClientSession) => Promise<T>,
  { beforeCommit, onCommitInDoubt }: CommitHooks,
): Promise<T> {
  await requireTransactions(db);
  const session = takeSession(db);
  let isAbandoned = false;
  let isCommitting = false;
  const run = async (): Promise<T> => {
    try {
      session.startTransaction({
        readConcern: { level: readConcern },
        writeConcern: { w: writeConcern },
        readPreference: 'primary',
      });
      const value = await body(session);
      if (isAbandoned) throw new PrimaryChanged();
      beforeCommit?.();
      isCommitting = true;
      await commit(session, onCommitInDoubt);
      return value;
    } finally {
      await putBackSession(db, session);
    }
  };
  try {
    return await orNewPrimary(db.client, run());
  } catch (error) {
    isAbandoned = true;
    if (error instanceof PrimaryChanged && isCommitting) onCommitInDoubt();
    throw error;
  }
}

async function commit(session: ClientSession, onCommitInDoubt: () => void): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await session.commitTransaction();
      return;
    } catch (error) {
      // This label alone says that the server undid the transaction.
      if (hasLabel(error, 'TransientTransactionError')) throw error;
      onCommitInDoubt();
      const isUnknown = hasLabel(error, 'UnknownTransactionCommitResult') || isUnreachable(error);
      if (!isUnknown || attempt === MAX_COMMIT_ATTEMPTS) throw error;
      await sleep(COMMIT_BACKOFF_MS * attempt);
    }
  }
}

/**
 * `NoSuchTransaction`, `TransactionExceededLifetimeLimitSeconds` and `Interrupted`, which the server sends without a label. A command that runs while
 * its session is killed, or while the transaction's lifetime ends, is answered one of the latter two; the next command is answered
 * `NoSuchTransaction`.
 */
const ENDED_CODES: readonly unknown[] = [251, 290, 11_601];

/**
 * True if a new transaction may succeed where this one failed. A retry is always safe: if the failed transaction was committed
 * after all, the new one finds its evidence. Labels alone do not tell: the driver gives none to errors of a connection pool, of the choice of a
 * server, and of a server that answers before anything of the transaction was sent.
 */
export const isRetryable = (error: unknown): boolean =>
  hasLabel(error, 'TransientTransactionError') ||
  hasLabel(error, 'UnknownTransactionCommitResult') ||
  hasLabel(error, 'SystemOverloadedError') ||
  isUnreachable(error) ||
  isEndedTransaction(error);

/** True if the server had ended the transaction: its session was killed, or its lifetime was over. */
export const isEndedTransaction = (error: unknown): boolean => ENDED_CODES.includes(serverAnswerOf(error)?.code);
