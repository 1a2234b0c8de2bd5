import type { Db } from 'mongodb';
import { bind, type BindOutcome, type BindRequest } from './bind.ts';
import { ensureIndexes } from './ensure-indexes.ts';
import { notify, type RotationEvent } from './events.ts';
import { findRotation, type FoundRotation } from './find-rotation.ts';
import { referenceFlow, type Flow } from './flow.ts';
import { requireDeadline, requireId, resolveOptions, type RotateOptions, type RotatorOptions } from './options.ts';
import type { RotationOutcome } from './outcomes.ts';
import type { Pool } from './pool.ts';
import { restoreBackup, type RestoreOutcome } from './restore-backup.ts';
import { rotateGroup } from './rotate-group.ts';
import { RotationError } from './rotation-error.ts';
import { RotationQueue, type Wish } from './rotation-queue.ts';
import { sweep, type SweepResult } from './sweep.ts';

/** Rotates the keys of one pool. Holds no connection of its own and needs no closing. */
export interface Rotator {
  /**
   * Replaces a failed key by a backup: the key is retired, the backup becomes a live key, all bindings move to it; or nothing
   * happens. Safe to call any number of times at once, in any number of processes.
   *
   * @throws RotationError; see `RotationErrorCode`.
   */
  rotate(keyId: string, options?: RotateOptions): Promise<RotationOutcome>;
  /** Binds a proxy to a key, or to its live successor, in a way that a rotation at the same moment can't miss. */
  bind(request: BindRequest): Promise<BindOutcome>;
  /** Tells what became of a rotation whose caller got `indeterminate`, or null: not committed, at least not yet. */
  findRotation(rotationId: string): Promise<FoundRotation | null>;
  /** Makes a used backup free again, unless it is a live key; takes every trace of the rotation off it. */
  restoreBackup(backupId: string): Promise<RestoreOutcome>;
  /** Points bindings that other writers left on retired keys to the live successors. */
  sweep(): Promise<SweepResult>;
  /** Creates the pool's collections, and the indexes that make rotations fast and I1 a rule of the database. Idempotent. */
  ensureIndexes(): Promise<void>;
}

/**
 * Creates a rotator for one pool of one database.
 *
 * @throws RotationError `invalid-argument` that names the option.
 */
export function createRotator(db: Db, pool: Pool, options: RotatorOptions = {}): Rotator {
  return createRotatorOf(referenceFlow, db, pool, options);
}

/** `createRotator` with another flow than the reference's. */
export function createRotatorOf(flow: Flow, db: Db, pool: Pool, options: RotatorOptions = {}): Rotator {
  const settings = resolveOptions(options);
  const emit = (event: RotationEvent): void => notify(settings.onEvent, event);
  const context = { db, pool, settings, flow, emit };
  const queue = new RotationQueue({ ...settings, ...rotateGroup(context) });

  return {
    rotate: async (keyId, rotateOptions = {}) => queue.enqueue(toWish(keyId, rotateOptions, settings.deadlineMs)),
    bind: (request) => bind(context, request),
    findRotation: (rotationId) => findRotation(context, rotationId),
    restoreBackup: (backupId) => restoreBackup(context, backupId),
    sweep: () => sweep(context),
    ensureIndexes: () => ensureIndexes(db, pool),
  };
}

function toWish(keyId: string, options: RotateOptions, deadlineMs: number): Wish {
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

function requireReason(reason: string): Wish['reason'] {
  if (reason === 'exhausted' || reason === 'auth-error') return reason;
  throw new RotationError('invalid-argument', `Expected reason to be 'exhausted' or 'auth-error'`);
}
