import { setTimeout as sleep } from 'node:timers/promises';
import { backoffMs } from '../queue/backoff.ts';
import type { RotatorContext } from './context.ts';
import { toRotationError } from './database-error.ts';
import { isRetryable, runTransaction, type Transaction } from './transaction.ts';

/**
 * Runs a transaction until it commits, within the rotator's `deadlineMs` and `maxAttempts`; for all verbs but `rotate`, whose
 * retries are the queue's. After a commit in doubt the body runs again, although its first run may have been committed: it must
 * do no harm then.
 *
 * @throws RotationError `database` when the deadline has passed or the attempts are used up. An error that is not retryable is
 * thrown at once.
 */
export async function retryTransaction<T>(
  { db, pool, settings }: RotatorContext,
  body: (transaction: Transaction) => Promise<T>,
): Promise<T> {
  const deadlineAt = performance.now() + settings.deadlineMs;
  for (let attempt = 1; ; attempt++) {
    try {
      return await runTransaction(
        db.client,
        (session) => body({ db, pool, session }),
        () => {},
      );
    } catch (error) {
      const delayMs = backoffMs(attempt, settings.random);
      const isLast = attempt >= settings.maxAttempts || performance.now() + delayMs >= deadlineAt;
      if (!isRetryable(error) || isLast) throw toRotationError(error);
      await sleep(delayMs);
    }
  }
}
