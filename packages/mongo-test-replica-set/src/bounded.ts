import { ReplicaSetError } from './replica-set-error.ts';

/** Rejects after `maxWaitMs`. The work itself goes on: its owner must clean up what it still brings about. */
export async function withTimeout<Result>(work: Promise<Result>, maxWaitMs: number, what: string): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new ReplicaSetError('start-failed', `${what}: no answer within ${maxWaitMs} ms`));
    }, maxWaitMs);
  });
  try {
    return await Promise.race([work, expired]);
  } finally {
    clearTimeout(timer);
  }
}

/** Rejects when the signal is aborted. As with {@link withTimeout}, the work itself goes on. */
export async function untilAborted<Result>(work: Promise<Result>, signal: AbortSignal | undefined): Promise<Result> {
  if (signal === undefined) return work;
  let giveUp: (() => void) | undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    giveUp = () => reject(new ReplicaSetError('aborted', 'The start was aborted.', { cause: signal.reason }));
    if (signal.aborted) giveUp();
    else signal.addEventListener('abort', giveUp);
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    if (giveUp !== undefined) signal.removeEventListener('abort', giveUp);
  }
}
