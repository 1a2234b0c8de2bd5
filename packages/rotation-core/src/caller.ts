import type { RotationOutcome } from './outcomes.ts';
import { RotationError } from './rotation-error.ts';

/** What a caller that can wait no longer is told; depends on how far its rotation got. */
export interface Standing {
  readonly keyId: string;
  readonly rotationId: string;
  /** A transaction for it is under way, or one's commit got no clear reply. */
  readonly inDoubt: boolean;
}

/** One waiting call of `rotate`. It is settled once: by the rotation, by its deadline, or by its signal. */
export class Caller {
  readonly promise: Promise<RotationOutcome>;
  /** By `performance.now()`. */
  readonly enqueuedAt: number = performance.now();
  readonly deadlineAt: number;
  #open = true;
  readonly #resolve: (outcome: RotationOutcome) => void;
  readonly #reject: (error: RotationError) => void;
  readonly #onIndeterminate: () => void;
  readonly #stopWaiting: () => void;

  /** @param onIndeterminate called when this caller is told so. */
  constructor(
    { deadlineMs, signal }: { readonly deadlineMs: number; readonly signal: AbortSignal | undefined },
    standing: () => Standing,
    onIndeterminate: () => void,
  ) {
    const { promise, resolve, reject } = Promise.withResolvers<RotationOutcome>();
    this.promise = promise;
    this.#resolve = resolve;
    this.#onIndeterminate = onIndeterminate;
    this.#reject = reject;
    this.deadlineAt = this.enqueuedAt + deadlineMs;
    const onDeadline = (): void => {
      const { keyId, rotationId, inDoubt } = standing();
      this.resolve(inDoubt ? { kind: 'indeterminate', keyId, rotationId } : { kind: 'busy', keyId });
    };
    const onAbort = (): void => {
      const { keyId, rotationId, inDoubt } = standing();
      const message = inDoubt
        ? `The call was aborted while ${keyId} was being rotated; ask for rotation ${rotationId} later`
        : `The call was aborted before ${keyId} was rotated`;
      this.reject(new RotationError('aborted', message, { cause: signal?.reason, ...(inDoubt ? { rotationId } : {}) }));
    };
    const timer = setTimeout(onDeadline, deadlineMs);
    signal?.addEventListener('abort', onAbort, { once: true });
    this.#stopWaiting = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    };
  }

  /** False once it has its answer. */
  get open(): boolean {
    return this.#open;
  }

  resolve(outcome: RotationOutcome): void {
    if (!this.#close()) return;
    if (outcome.kind === 'indeterminate') this.#onIndeterminate();
    this.#resolve(outcome);
  }

  reject(error: RotationError): void {
    if (this.#close()) this.#reject(error);
  }

  #close(): boolean {
    const wasOpen = this.#open;
    this.#open = false;
    this.#stopWaiting();
    return wasOpen;
  }
}
