import { setTimeout as sleep } from 'node:timers/promises';
import { backoffMs } from '../queue/backoff.ts';
import type { CallContext } from './context.ts';
import { isUnreachable } from './driver-error.ts';
import { orNewPrimary } from './new-primary.ts';
import { isRetryable, runTransaction, type Transaction } from './transaction.ts';

/** Thrown where the caller has its answer already; nobody sees it. */
const CALL_IS_OVER = new Error('the call is over');

function requireCaller({ call }: CallContext): void {
  if (call.over) throw CALL_IS_OVER;
}

/**
 * Makes attempts until one succeeds, within the call's deadline and the rotator's `maxAttempts`.
 *
 * @param mayTryAgain tells by the error of an attempt
 * @throws the error of the last attempt when the attempts are used up. After another error at once.
 */
async function retry<T>(
  context: CallContext,
  mayTryAgain: (error: unknown) => boolean,
  attempt: () => Promise<T>,
): Promise<T> {
  const { settings, call } = context;
  for (let count = 1; ; count++) {
    requireCaller(context);
    try {
      return await attempt();
    } catch (error) {
      if (!mayTryAgain(error) || count >= settings.maxAttempts) throw error;
      call.lastError = error;
      await sleep(backoffMs(count, settings.random));
    }
  }
}

/**
 * Runs a command until the primary answers; for those outside of transactions. It may have been run before, without an answer: it must do no harm
 * then.
 *
 * @throws as {@link retry} does
 */
export const retryCommand = <T>(context: CallContext, command: () => Promise<T>): Promise<T> =>
  retry(context, isUnreachable, () => orNewPrimary(context.db.client, command()));

/**
 * Runs a transaction until it commits; for all verbs but `rotate`, whose retries are the queue's. After a commit in doubt the body runs
 * again, although its first run may have been committed: it must do no harm then. Nothing is committed any more once the caller has its
 * answer, unless the commit was under way.
 *
 * @throws as {@link retry} does
 */
export async function retryTransaction<T>(
  context: CallContext,
  body: (transaction: Transaction) => Promise<T>,
): Promise<T> {
  const { db, pool, settings, call } = context;
  let inDoubt = false;
  return retry(context, isRetryable, async () => {
    try {
      const value = await runTransaction(db, settings.concerns, (session) => body({ db, pool, session }), {
        beforeCommit: () => {
          requireCaller(context);
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
      throw error;
    }
  });
}
