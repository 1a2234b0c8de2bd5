/**
 * - `invalid-argument`: a bad id, option or pool; nothing was sent.
 * - `not-a-replica-set`: the server has no transactions; the message names the remedy.
 * - `inconsistent`: the data contradicts itself (a duplicate key inside a rotation, a free backup that is a live key).
 *   The rotation was undone; the message names the documents.
 * - `aborted`: the caller's signal fired. Where `rotationId` is set, the rotation had started: ask for it later.
 * - `database`: any other error of the server or the driver, as `cause`. Where `rotationId` is set, ask for it later.
 */
export type RotationErrorCode = 'invalid-argument' | 'not-a-replica-set' | 'inconsistent' | 'aborted' | 'database';

/** The only error this package throws. Outcomes of a rotation are data; errors are for infrastructure and misuse. */
export class RotationError extends Error {
  override readonly name = 'RotationError';
  readonly code: RotationErrorCode;
  /** Set when a rotation with this id may have been committed. */
  readonly rotationId?: string;

  constructor(code: RotationErrorCode, message: string, options: { cause?: unknown; rotationId?: string } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.code = code;
    if (options.rotationId !== undefined) this.rotationId = options.rotationId;
  }
}
