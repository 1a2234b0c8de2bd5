import { setTimeout as sleep } from 'node:timers/promises';
import { backoffMs } from './backoff.ts';
import type { RotatorContext } from './context.ts';
import { toRotationError } from './database-error.ts';
import type { Transaction } from './rotation.ts';
import { isRetryable, runTransaction } from './transaction.ts';

/**
 * Runs a transaction until it commits, within the rotator's deadline and attempts. The body must be such that running it again
 * after a commit in doubt does no harm. Rotations do not come through here: theirs is the queue.
 *
 * @throws RotationError `database` when the deadline or the attempts end.
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
