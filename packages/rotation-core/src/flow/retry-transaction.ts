import { setTimeout as sleep } from 'node:timers/promises';
import { backoffMs } from '../queue/backoff.ts';
import type { CallContext } from './context.ts';
import { isRetryable, runTransaction, type Transaction } from './transaction.ts';

/** Thrown where the caller has its answer already; nobody sees it. */
const CALL_IS_OVER = new Error('the call is over');

/**
 * Runs a transaction until it commits, within the call's deadline and the rotator's `maxAttempts`; for all verbs but `rotate`,
 * whose retries are the queue's. After a commit in doubt the body runs again, although its first run may have been committed: it
 * must do no harm then. Nothing is committed any more once the caller has its answer, unless the commit was under way.
 *
 * @throws the error of the last attempt when the attempts are used up. An error that is not retryable is thrown at once.
 */
export async function retryTransaction<T>(
  { db, pool, settings, call }: CallContext,
  body: (transaction: Transaction) => Promise<T>,
): Promise<T> {
  const requireCaller = (): void => {
    if (call.over) throw CALL_IS_OVER;
  };
  let inDoubt = false;
  for (let attempt = 1; ; attempt++) {
    requireCaller();
    try {
      const value = await runTransaction(db, (session) => body({ db, pool, session }), {
        beforeCommit: () => {
          requireCaller();
          call.inDoubt = true;
        },
        onCommitInDoubt: () => {
          inDoubt = true;
        },
      });
      call.inDoubt = false;
      return value;
    } catch (error) {
      call.inDoubt = inDoubt;
      if (!isRetryable(error) || attempt >= settings.maxAttempts) throw error;
      call.lastError = error;
      await sleep(backoffMs(attempt, settings.random));
    }
  }
}
