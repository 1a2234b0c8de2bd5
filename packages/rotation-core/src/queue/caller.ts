import { RotationError } from '../errors.ts';
import type { RotationOutcome } from '../outcomes.ts';

/** How far the rotation of a caller is; decides the answer when the caller stops waiting. */
export interface CallerStatus {
  readonly keyId: string;
  readonly rotationId: string;
  /**
   * True if the rotation may be committed without an answer: a transaction that is under way has begun to write, or a commit got no
   * clear reply.
   */
  readonly inDoubt: boolean;
}

/** One call of `rotate` that waits for its answer. It is settled once: by the rotation, by its deadline, or by its signal. */
export class Caller {
  readonly promise: Promise<RotationOutcome>;
  /** By `performance.now()`, as `deadlineAt` is. */
  readonly enqueuedAt: number = performance.now();
  readonly deadlineAt: number;
  #open = true;
  readonly #resolve: (outcome: RotationOutcome) => void;
  readonly #reject: (error: RotationError) => void;
  readonly #status: () => CallerStatus;
  readonly #onGiveUp: (kind: 'busy' | 'indeterminate') => void;
  readonly #stopWaiting: () => void;

  /** @param onGiveUp called if this caller is answered without a rotation. */
  constructor(
    { deadlineMs, signal }: { readonly deadlineMs: number; readonly signal: AbortSignal | undefined },
    status: () => CallerStatus,
    onGiveUp: (kind: 'busy' | 'indeterminate') => void,
  ) {
    const { promise, resolve, reject } = Promise.withResolvers<RotationOutcome>();
    this.promise = promise;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#status = status;
    this.#onGiveUp = onGiveUp;
    this.deadlineAt = this.enqueuedAt + deadlineMs;
    const onAbort = (): void => {
      const { rotationId, inDoubt } = status();
      const message = inDoubt
        ? `The call was aborted while its key was being rotated; ask findRotation for ${rotationId} later`
        : 'The call was aborted before its key was rotated';
      this.reject(new RotationError('aborted', message, { cause: signal?.reason, ...(inDoubt ? { rotationId } : {}) }));
    };
    const timer = setTimeout(() => this.giveUp(), deadlineMs);
    signal?.addEventListener('abort', onAbort, { once: true });
    this.#stopWaiting = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    };
  }

  /** False once the caller has its answer. */
  get open(): boolean {
    return this.#open;
  }

  resolve(outcome: RotationOutcome): void {
    if (!this.#close()) return;
    if (outcome.kind === 'indeterminate' || outcome.kind === 'busy') this.#onGiveUp(outcome.kind);
    this.#resolve(outcome);
  }

  /** Answers without a rotation, when the deadline has passed or the attempts are used up: `busy`, or `indeterminate`. */
  giveUp(): void {
    const { keyId, rotationId, inDoubt } = this.#status();
    this.resolve(inDoubt ? { kind: 'indeterminate', keyId, rotationId } : { kind: 'busy', keyId });
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
