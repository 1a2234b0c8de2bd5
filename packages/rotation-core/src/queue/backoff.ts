const BASE_BACKOFF_MS = 2;
const MAX_BACKOFF_MS = 200;

/**
 * Exponential back-off with full jitter, in milliseconds. Two transactions that conflicted draw their delays independently;
 * with a fixed delay they would conflict again at each attempt.
 *
 * @param attempt the attempt that failed, from 1 up.
 * @param random a number from 0 up to 1.
 */
export function backoffMs(attempt: number, random: () => number): number {
  return random() * Math.min(MAX_BACKOFF_MS, BASE_BACKOFF_MS * 2 ** attempt);
}
