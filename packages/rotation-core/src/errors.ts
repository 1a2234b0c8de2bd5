/**
 * - `invalid-argument`: an id, an option or a pool is invalid; nothing was sent.
 * - `not-a-replica-set`: the server has no transactions; the message names the remedy.
 * - `inconsistent`: the data contradicts itself (a duplicate key inside a rotation, a free backup that is a live key).
 *   Nothing was changed; the message names the documents.
 * - `too-many-bindings`: more than 50,000 bindings point to the key, and the server can't move them in one transaction. Nothing
 *   was changed. With as many or fewer the rotation is only slower.
 * - `aborted`: the caller's signal fired. If `rotationId` is set, the rotation had started: ask `findRotation` for it later.
 * - `database`: any other error of the server or the driver, or a deadline of another verb than `rotate`. The message names the
 *   command, the collection, the server's code and a remedy. The cause of a driver's error is a copy with name, message and stack.
 *   If `rotationId` is set, the rotation may have been committed: ask `findRotation` for it later.
 */
export type RotationErrorCode =
  'invalid-argument' | 'not-a-replica-set' | 'inconsistent' | 'too-many-bindings' | 'aborted' | 'database';

/** The only error class of this package. Outcomes of a rotation are data; errors are for infrastructure and misuse. */
export class RotationError extends Error {
  override readonly name = 'RotationError';
  readonly code: RotationErrorCode;
  /** Set if the rotation with this id may have been committed. */
  readonly rotationId?: string;

  constructor(code: RotationErrorCode, message: string, options: { cause?: unknown; rotationId?: string } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.code = code;
    if (options.rotationId !== undefined) this.rotationId = options.rotationId;
  }
}
