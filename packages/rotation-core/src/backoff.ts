const BACKOFF_BASE_MS = 2;
const BACKOFF_MAX_MS = 200;

/** Full jitter: anything up to a bound that doubles with each attempt, so that callers that met once do not meet again. */
export function backoffMs(attempt: number, random: () => number): number {
  return random() * Math.min(BACKOFF_MAX_MS, BACKOFF_BASE_MS * 2 ** attempt);
}
