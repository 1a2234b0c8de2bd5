import type { Db } from 'mongodb';
import type { UpstreamFailure } from '../classify-failure.ts';
import { RotationError } from '../errors.ts';
import { notify, type RotationEvent } from '../events.ts';
import { referenceFlow, type FlowParts } from '../flow/flow-parts.ts';
import { createGroupRotator } from '../flow/rotate-group.ts';
import {
  requireDeadline,
  requireId,
  resolveOptions,
  resolveTestingOptions,
  type RotateOptions,
  type RotatorOptions,
  type TestingOptions,
} from '../options.ts';
import type { RotationOutcome } from '../outcomes.ts';
import type { Pool } from '../pool.ts';
import { RotationQueue, type RotationRequest } from '../queue/rotation-queue.ts';
import { bind, type BindOutcome, type BindRequest } from './bind.ts';
import { ensureIndexes } from './ensure-indexes.ts';
import { findRotation, type FoundRotation } from './find-rotation.ts';
import { handleFailure, type FailureOutcome, type HandleFailureOptions, type UsedKey } from './handle-failure.ts';
import { restoreBackup, type RestoreOutcome } from './restore-backup.ts';
import { sweep, type SweepResult } from './sweep.ts';

/** Rotates the keys of one pool. It has no connection of its own and needs no closing. */
export interface Rotator {
  /**
   * Replaces a failed key by a backup. In one transaction, the key is retired, the backup becomes a live key, and all bindings
   * move to it. Any number of calls may run at once, in any number of processes.
   *
   * @throws RotationError; see `RotationErrorCode`.
   */
  rotate(keyId: string, options?: RotateOptions): Promise<RotationOutcome>;
  /**
   * Does what an upstream's answer means for the key that was used, by the pool's `failures`: nothing, a cool-down, or a rotation;
   * where there is no backup, it marks the key. For the place where a service handles the errors of its upstream.
   *
   * @param key the key document that was used, as it was read: with `_id`, `incarnation` and `createdAt`.
   * @throws RotationError; see `RotationErrorCode`.
   */
  handleFailure(key: UsedKey, failure: UpstreamFailure, options?: HandleFailureOptions): Promise<FailureOutcome>;
  /** Binds a proxy to a key, or to its live successor. A rotation of the key at the same moment does not miss the binding. */
  bind(request: BindRequest): Promise<BindOutcome>;
  /** Says what became of a rotation whose caller got `indeterminate`. Null: it is not committed, but may be later. */
  findRotation(rotationId: string): Promise<FoundRotation | null>;
  /** Makes a used backup free again, unless it is a live key. All marks of its use are removed. */
  restoreBackup(backupId: string): Promise<RestoreOutcome>;
  /** Moves bindings that other writers left on replaced keys to the live successors. */
  sweep(): Promise<SweepResult>;
  /**
   * Creates the pool's collections and indexes, and leaves alone what exists. The indexes make rotations fast, and "at most one
   * backup for one incarnation" a rule of the database.
   */
  ensureIndexes(): Promise<void>;
}

/**
 * Creates a rotator for one pool of one database. Calls are brought together within a rotator: create one for each pool and
 * process, and keep it.
 *
 * @throws RotationError `invalid-argument` that names the option.
 */
export function createRotator(db: Db, pool: Pool, options: RotatorOptions = {}): Rotator {
  // resolveOptions drops what only a harness may set.
  return createRotatorOf(referenceFlow, db, pool, resolveOptions(options));
}

/** `createRotator` for a test harness: with a flow of the harness's choice, and options that a service must not set. */
export function createRotatorOf(flow: FlowParts, db: Db, pool: Pool, options: TestingOptions = {}): Rotator {
  const settings = resolveTestingOptions(options);
  const emit = (event: RotationEvent): void => notify(settings.onEvent, event);
  const context = { db, pool, settings, flow, emit };
  const queue = new RotationQueue({ ...settings, ...createGroupRotator(context) });
  const rotate: Rotator['rotate'] = async (keyId, rotateOptions = {}) =>
    queue.enqueue(toRequest(keyId, rotateOptions, settings.deadlineMs));

  return {
    rotate,
    handleFailure: (key, failure, failureOptions = {}) => handleFailure(context, rotate, key, failure, failureOptions),
    bind: (request) => bind(context, request),
    findRotation: (rotationId) => findRotation(context, rotationId),
    restoreBackup: (backupId) => restoreBackup(context, backupId),
    sweep: () => sweep(context),
    ensureIndexes: () => ensureIndexes(db, pool),
  };
}

function toRequest(keyId: string, options: RotateOptions, deadlineMs: number): RotationRequest {
  if (options.signal?.aborted === true)
    throw new RotationError('aborted', `The call was aborted before it began`, { cause: options.signal.reason });
  return {
    keyId: requireId('keyId', keyId),
    incarnation: options.incarnation === undefined ? undefined : requireId('incarnation', options.incarnation),
    reason: requireReason(options.reason ?? 'exhausted'),
    deadlineMs: options.deadlineMs === undefined ? deadlineMs : requireDeadline(options.deadlineMs),
    signal: options.signal,
  };
}

function requireReason(reason: string): RotationRequest['reason'] {
  if (reason === 'exhausted' || reason === 'auth-error') return reason;
  throw new RotationError('invalid-argument', `Expected reason to be 'exhausted' or 'auth-error'`);
}
