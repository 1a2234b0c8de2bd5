import type { SystemTypes } from '../system/system-types.ts';
import type { Workers } from './workers.ts';

/** Where no call comes, the fault is made all the same, and the report says that it met none. */
const MAX_WAIT_MS = 1_000;
/** Of the calls that were under way at once. */
const LAST_CHANCE = 0.6;

/**
 * Waits for the moment at which a fault begins among calls that are under way: after the delay, or before it when so many of the calls have
 * been answered that few would be left.
 *
 * @param process whose calls it is to meet. Default: any
 */
export async function awaitCalls<T extends SystemTypes>(
  workers: Pick<Workers<T>, 'underWay' | 'onCall'>,
  process: number | undefined,
  delayMs: number,
  signal: AbortSignal,
): Promise<void> {
  const moment = Promise.withResolvers<void>();
  let most = 0;
  let isDelayOver = false;
  const look = (): void => {
    const calls = workers.underWay(process);
    most = Math.max(most, calls);
    if (calls > 0 && (isDelayOver || calls <= LAST_CHANCE * most)) moment.resolve();
  };
  const delay = setTimeout(() => {
    isDelayOver = true;
    look();
  }, delayMs);
  const limit = setTimeout(moment.resolve, delayMs + MAX_WAIT_MS);
  const stop = workers.onCall(look);
  signal.addEventListener('abort', () => moment.resolve(), { once: true });
  if (signal.aborted) moment.resolve();
  look();
  await moment.promise;
  clearTimeout(delay);
  clearTimeout(limit);
  stop();
}
