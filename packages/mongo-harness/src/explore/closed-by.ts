import type { InterleaveSession } from 'mongo-interleave';

/** Does the work, and closes the session when the signal fires meanwhile: what is under way then throws InterleaveError `stopped`. */
export async function closedBy<R>(
  signal: AbortSignal,
  session: InterleaveSession<string>,
  work: () => Promise<R>,
): Promise<R> {
  const stop = (): void => void session.close();
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await work();
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
