import type { UpstreamFailure } from '../classify-failure.ts';
import { RotationError } from '../errors.ts';
import { notify, withShownIds, type RotationEvent } from '../events.ts';
import type { RotatorContext } from '../flow/context.ts';
import { referenceFlow, type FlowParts } from '../flow/flow-parts.ts';
import { openOwnDb } from '../flow/own-db.ts';
import { createGroupRotator } from '../flow/rotate-group.ts';
import { ownIdsOf } from '../flow/own-ids.ts';
import { requireKeyId, requireText, type IdKind, type IdTypes, type KeyId, type StoredId } from '../ids.ts';
import {
  requireDeadline,
  requireNotAborted,
  resolveOptions,
  resolveTestingOptions,
  type CallOptions,
  type RotateOptions,
  type RotatorOptions,
  type TestingOptions,
} from '../options.ts';
import type { RotationOutcome } from '../outcomes.ts';
import { idKindOf, shownId, type AnyPool, type Pool } from '../pool.ts';
import { Turns } from '../queue/turns.ts';
import { RotationQueue, type RotationRequest } from '../queue/rotation-queue.ts';
import { bind, type BindOutcome, type BindRequest } from './bind.ts';
import { checkIndexes, ensureIndexes, type MissingStructure } from './ensure-indexes.ts';
import { findRotation, type FoundRotation } from './find-rotation.ts';
import { handleFailure, type FailureOutcome, type UsedKey } from './handle-failure.ts';
import { requireDb, type AnyDb } from './require-db.ts';
import { restoreBackup, type RestoreOutcome } from './restore-backup.ts';
import { runCall, type Consequences } from './run-call.ts';
import { sweep, type SweepResult } from './sweep.ts';

/**
 * Rotates the keys of one pool, whose ids are of the type `Id`: strings, or what the pool's `idKind` says. An argument may also be the text of an
 * id; answers have the ids as the driver reads them, but `keyId` as it was asked for.
 *
 * It has no connection of its own and needs no closing.
 *
 * Each verb ends within its `deadlineMs`. All but `rotate` throw a RotationError `database` then; what was not committed by then
 * never is, unless the message says that it may have been.
 */
export interface Rotator<Id = string> {
  /**
   * Replaces a failed key by a backup. In one transaction, the key is retired, the backup becomes a live key, and all bindings
   * move to it. Any number of calls may run at once, in any number of processes.
   *
   * @throws RotationError; see `RotationErrorCode`.
   */
  rotate(keyId: Id | string, options?: RotateOptions): Promise<RotationOutcome<Id>>;
  /**
   * Does what an upstream's answer means for the key that was used, by the pool's `failures`: nothing, a cool-down, or a rotation;
   * where there is no backup, it marks the key. For the place where a service handles the errors of its upstream.
   *
   * @param key the key document that was used, as it was read: with `_id`, `incarnation` and `createdAt`.
   * @throws RotationError; see `RotationErrorCode`.
   */
  handleFailure(
    key: UsedKey<Id | string>,
    failure: UpstreamFailure,
    options?: CallOptions,
  ): Promise<FailureOutcome<Id>>;
  /** Binds a proxy to a key, or to its live successor. A rotation of the key at the same moment does not miss the binding. */
  bind(request: BindRequest<Id | string>, options?: CallOptions): Promise<BindOutcome<Id>>;
  /** Says what became of a rotation whose caller got `indeterminate`. Null: it is not committed, but may be later. */
  findRotation(rotationId: string, options?: CallOptions): Promise<FoundRotation<Id> | null>;
  /** Makes a backup that was used or set aside free again, unless it is a live key. All marks of its use are removed. */
  restoreBackup(backupId: Id | string, options?: CallOptions): Promise<RestoreOutcome>;
  /**
   * Moves bindings that other writers left on replaced keys to the live successors, in batches. What was moved before the deadline
   * stays moved.
   */
  sweep(options?: CallOptions): Promise<SweepResult<Id>>;
  /**
   * Creates the pool's collections and indexes, and leaves alone what exists. The indexes make rotations fast, and "at most one
   * backup for one incarnation" a rule of the database. Where nothing is missing, the rights to list collections and indexes do.
   */
  ensureIndexes(options?: CallOptions): Promise<void>;
  /** Says which of the pool's collections and indexes are missing, and creates nothing. */
  checkIndexes(options?: CallOptions): Promise<readonly MissingStructure[]>;
}

/**
 * Creates a rotator for one pool of one database. Calls are brought together within a rotator: create one for each pool and
 * process, and keep it.
 *
 * @throws RotationError `invalid-argument` that names the option, or says why the Db can't be used.
 */
export function createRotator<Kind extends IdKind>(
  db: AnyDb,
  pool: Pool<Kind>,
  options?: RotatorOptions<IdTypes[Kind]>,
): Rotator<IdTypes[Kind]>;
/** `createRotator` for a service whose ODM or driver has classes of ids of its own: `createRotator<Types.ObjectId>(db, pool)`. */
export function createRotator<Id extends KeyId>(
  db: AnyDb,
  pool: Pool<IdKind>,
  options?: RotatorOptions<Id>,
): Rotator<Id>;
export function createRotator<Id extends KeyId>(
  db: AnyDb,
  pool: Pool<IdKind>,
  options: RotatorOptions<Id> = {},
): Rotator<Id> {
  // resolveOptions drops what only a harness may set.
  return createRotatorOf(referenceFlow, db, pool, resolveOptions(options));
}

/** `createRotator` for a test harness: with a flow of the harness's choice, and options that a service must not set. */
export function createRotatorOf<Id extends KeyId = string>(
  flow: FlowParts,
  db: AnyDb,
  pool: Pool<IdKind>,
  options: TestingOptions<Id> = {},
): Rotator<Id> {
  // To the service's copy of the driver, what the database has is an Id.
  const settings = resolveTestingOptions(options) as unknown as RotatorContext['settings'];
  // Most pools show their ids as they are: their events go out as they were made.
  const shown = (event: RotationEvent): RotationEvent =>
    pool.secretIds === true ? withShownIds(event, (id) => shownId(pool, id)) : event;
  const emit = (event: RotationEvent): void => notify(settings.onEvent, shown(event));
  const context: RotatorContext = { db: openOwnDb(requireDb(db)), pool, settings, flow, emit, turns: new Turns() };
  const queue = new RotationQueue({ ...settings, ...createGroupRotator(context) });
  const rotate = async (keyId: unknown, rotateOptions: RotateOptions = {}): Promise<RotationOutcome> =>
    queue.enqueue(toRequest(pool, keyId, rotateOptions, settings.deadlineMs));

  const rotator: Rotator<StoredId> = {
    rotate: async (keyId, rotateOptions) => withStoredIds(context, await rotate(keyId, rotateOptions), keyId),
    handleFailure: async (key, failure, failureOptions = {}) =>
      withStoredIds(context, await handleFailure(context, rotate, key, failure, failureOptions), key._id),
    bind: (request, callOptions = {}) => runCall(context, 'bind', WRITES, callOptions, (call) => bind(call, request)),
    findRotation: (rotationId, callOptions = {}) =>
      runCall(context, 'findRotation', READS, callOptions, (call) => findRotation(call, rotationId)),
    restoreBackup: (backupId, callOptions = {}) =>
      runCall(context, 'restoreBackup', WRITES, callOptions, (call) => restoreBackup(call, backupId)),
    sweep: (callOptions = {}) => runCall(context, 'sweep', SWEEPS, callOptions, sweep),
    ensureIndexes: (callOptions = {}) => runCall(context, 'ensureIndexes', CREATES, callOptions, ensureIndexes),
    checkIndexes: (callOptions = {}) => runCall(context, 'checkIndexes', READS, callOptions, checkIndexes),
  };
  return rotator as unknown as Rotator<Id>;
}

/** The id of a key as a caller passes it. */
type Asked = StoredId | string;

const READS: Consequences = { undone: 'Nothing was changed.', inDoubt: 'Nothing was changed.' };
const WRITES: Consequences = {
  undone: 'Nothing was changed.',
  inDoubt: 'The change may have been made: call it again, which does no harm.',
};
const SWEEPS: Consequences = {
  undone: 'What was moved before stays moved: call it again.',
  inDoubt: 'What was moved stays moved: call it again.',
};
const CREATES: Consequences = {
  undone: 'What was created stays, and an index may still be being built: call it again.',
  inDoubt: 'What was created stays: call it again.',
};

/** Answers with ids as the driver reads them. That of the key is what the caller asked for: there may have been no server to make one. */
function withStoredIds(context: RotatorContext, outcome: RotationOutcome, keyId: Asked): RotationOutcome<StoredId>;
function withStoredIds(context: RotatorContext, outcome: FailureOutcome, keyId: Asked): FailureOutcome<StoredId>;
function withStoredIds(
  context: RotatorContext,
  outcome: RotationOutcome | FailureOutcome,
  keyId: Asked,
): RotationOutcome<StoredId> | FailureOutcome<StoredId> {
  const replaced = 'replacement' in outcome ? { replacement: ownIdsOf(context).stored(outcome.replacement) } : {};
  return { ...outcome, ...replaced, keyId } as RotationOutcome<StoredId>;
}

function toRequest(pool: AnyPool, keyId: unknown, options: RotateOptions, deadlineMs: number): RotationRequest {
  requireNotAborted(options.signal);
  return {
    keyId: requireKeyId('keyId', idKindOf(pool), keyId),
    incarnation: options.incarnation === undefined ? undefined : requireText('incarnation', options.incarnation),
    reason: requireReason(options.reason ?? 'exhausted'),
    deadlineMs: options.deadlineMs === undefined ? deadlineMs : requireDeadline(options.deadlineMs),
    signal: options.signal,
  };
}

function requireReason(reason: string): RotationRequest['reason'] {
  if (reason === 'exhausted' || reason === 'auth-error') return reason;
  throw new RotationError('invalid-argument', `Expected reason to be 'exhausted' or 'auth-error'`);
}
