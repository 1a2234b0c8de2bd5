import type { StoredBackup } from '../documents.ts';
import { RotationError } from '../errors.ts';
import type { RetryReason } from '../events.ts';
import { backoffMs } from '../queue/backoff.ts';
import { allAnswered, isAwaited, type PendingRotation } from '../queue/pending-rotation.ts';
import type { GroupResult, QueueOptions, Retryable } from '../queue/rotation-queue.ts';
import { shownId, type AnyPool } from '../pool.ts';
import type { Rotation } from '../rotation.ts';
import { BackupVerifier } from './backup-verifier.ts';
import type { RotatorContext } from './context.ts';
import { summarize, toRotationError } from './database-error.ts';
import { isUnreachable } from './driver-error.ts';
import { createAbandonedEnder } from './end-abandoned.ts';
import { notePlace, noteSteps, type Place } from './place.ts';
import { OlderFlowUnderWay } from './older-flow.ts';
import { findTooManyBindings } from './too-many-bindings.ts';
import { ReservedBackups } from './reserved-backups.ts';
import { isEndedTransaction, isRetryable, runTransaction } from './transaction.ts';
import { PassedOver, UnusableBackup } from './unusable-backup.ts';
import { ChangedBackup } from './verified-backups.ts';

/** Thrown before the first write, where a rotation of the group has no caller any more. */
const NOBODY_WAITS = new RotationError('aborted', 'the database answered later than the deadline of the callers');

/** After so many conflicts the keys are locked before anything is read. Most rotations meet one conflict at most, and then find that another one was faster. */
const MAX_FREE_CONFLICTS = 3;

/** No free backup that is verified could be claimed. */
const UNVERIFIED = new RotationError('inconsistent', 'no free backup could be verified');

/** Why the last attempt at a rotation failed. */
interface Failure {
  readonly reason: RetryReason;
  readonly error: string;
  /** How many attempts have failed with a conflict. */
  readonly conflicts: number;
}

/** The queue's ties to the database: runs a group in one transaction, says how long to back off, and emits the events. */
export function createGroupRotator(
  context: RotatorContext,
): Pick<QueueOptions, 'prepare' | 'runGroup' | 'backoffMs' | 'onRetry' | 'onAnswer' | 'onIndeterminate' | 'onBusy'> {
  const { db, pool, settings, flow, emit } = context;
  const endAbandoned = createAbandonedEnder(context);
  const passedOver = new PassedOver();
  // Without coalescing a harness wants the flow alone, with all of its conflicts.
  const reserved = settings.coalesce ? new ReservedBackups() : undefined;
  const { verify } = settings;
  const verifier = verify === undefined ? undefined : new BackupVerifier(verify, context, passedOver);
  const failures = new WeakMap<Rotation, Failure>();
  const answered = new WeakSet<Rotation>();

  const noteFailure = (rotations: readonly Rotation[], reason: RetryReason, error: string): void => {
    for (const rotation of rotations) {
      const conflicts = (failures.get(rotation)?.conflicts ?? 0) + (reason === 'conflict' ? 1 : 0);
      failures.set(rotation, { reason, error, conflicts });
    }
  };

  /** Why a rotation was not done in time of which no attempt has failed. */
  const reasonOfDelay = (
    rotation: Rotation,
    transaction: PendingRotation['transaction'],
  ): 'queued' | 'slow' | 'unreachable' => {
    if (answered.has(rotation)) return 'slow';
    return transaction === 'sent' ? 'unreachable' : 'queued';
  };

  /** Has the backups verified that the last transaction found, where it found none that is. */
  function prepare(group: readonly PendingRotation[]): Promise<Retryable | undefined> | undefined {
    const rotations = group.map(({ rotation }) => rotation);
    if (verifier?.isWantedBy(rotations) !== true) return undefined;
    const first = rotations.filter((rotation) => failures.get(rotation)?.reason !== 'unverified');
    noteFailure(first, 'unverified', 'verify had given no verdict yet');
    const isWaitedFor = (rotation: Rotation): boolean =>
      group.some((pending) => pending.rotation === rotation && isAwaited(pending));
    return verifier.verifyWanted(rotations, isWaitedFor).then((verified) => {
      if (verified.kind === 'goes-on') return undefined;
      noteFailure(rotations, 'unverified', verified.error);
      return { kind: 'retryable', inDoubt: false, error: UNVERIFIED };
    });
  }

  async function runGroup(group: readonly PendingRotation[], goOn: () => boolean): Promise<GroupResult> {
    const rotations = group.map(({ rotation }) => rotation);
    const lockFirst = rotations.some((rotation) => (failures.get(rotation)?.conflicts ?? 0) >= MAX_FREE_CONFLICTS);
    const run = (): Promise<GroupResult> => runOnce(group, rotations, goOn, lockFirst);
    const keyIds = rotations.map(({ keyId }) => keyId);
    return lockFirst ? context.turns.take(keyIds, allAnswered(group), run) : run();
  }

  async function runOnce(
    group: readonly PendingRotation[],
    rotations: readonly Rotation[],
    goOn: () => boolean,
    lockFirst: boolean,
  ): Promise<GroupResult> {
    const place: Place = {};
    let inDoubt = false;
    let isWriting = false;
    let isCommitted = false;
    let chosen: readonly string[] = [];
    let freeBackups: number | undefined;
    let candidates: ReadonlyMap<string, StoredBackup> | undefined;
    const onAnswered = (): void => {
      for (const rotation of rotations) answered.add(rotation);
    };
    const beforeWrite = (): void => {
      if (!isWriting && !goOn()) throw NOBODY_WAITS;
      isWriting = true;
    };
    try {
      const answers = await runTransaction(
        db,
        settings.concerns,
        (session) =>
          flow.rotateBatch({ db: notePlace(db, place), pool, session }, rotations, {
            steps: noteSteps(flow.steps, place, { beforeWrite, onAnswered }),
            lockFirst,
            random: settings.random,
            passedOver: passedOver.ids,
            ...(reserved === undefined ? {} : { isReserved: reserved.isReserved }),
            onChosen: (backupIds) => {
              chosen = backupIds;
              reserved?.reserve(backupIds);
            },
            ...(verifier === undefined ? {} : { verified: verifier.viewFor(rotations) }),
            onUnverified: (found) => {
              candidates = found;
            },
            onClaimed: ({ rotation: { keyId, rotationId }, backupId }) =>
              emit({ type: 'claimed', pool: pool.name, keyId, backupId, rotationId }),
            onStockSeen: (count) => {
              freeBackups = count;
            },
          }),
        {
          onCommitInDoubt: () => {
            inDoubt = true;
          },
        },
      );
      const threshold = settings.lowStockThreshold;
      if (freeBackups !== undefined && freeBackups <= threshold)
        emit({ type: 'low-stock', pool: pool.name, freeBackups, threshold });
      for (const rotation of rotations) {
        const answer = answers.get(rotation);
        if (answer === undefined && candidates !== undefined) verifier?.want(rotation, candidates);
        else if (answer?.kind === 'rotated') verifier?.noteClaim(answer.replacement);
      }
      isCommitted = true;
      return { kind: 'committed', answers };
    } catch (error) {
      return await endFailed(error, group, rotations, place, inDoubt);
    } finally {
      verifier?.release(rotations);
      reserved?.release(chosen, isCommitted || inDoubt);
    }
  }

  /** Says how an attempt ended that threw, and notes why. */
  async function endFailed(
    error: unknown,
    group: readonly PendingRotation[],
    rotations: readonly Rotation[],
    place: Place,
    inDoubt: boolean,
  ): Promise<GroupResult> {
    if (error instanceof ChangedBackup) {
      verifier?.noteChange(error.backupId);
      noteFailure(rotations, 'unverified', error.message);
      return { kind: 'retryable', inDoubt, error: UNVERIFIED };
    }
    if (error instanceof OlderFlowUnderWay) {
      noteFailure(rotations, 'older-flow', error.message);
      return { kind: 'retryable', inDoubt, error: new RotationError('inconsistent', error.message) };
    }
    if (error instanceof UnusableBackup) {
      const { backupId, why } = error;
      passedOver.add(backupId);
      emit({ type: 'backup-unusable', pool: pool.name, backupId, why });
      noteFailure(rotations, 'unusable-backup', error.message);
      return { kind: 'retryable', inDoubt, error: new RotationError('inconsistent', error.message) };
    }
    const rotationError = toRotationError(error, { ...contextOf(pool, group, inDoubt), place });
    if (error !== NOBODY_WAITS && !isRetryable(error)) return { kind: 'failed', inDoubt, error: rotationError };
    const [only] = group;
    if (only !== undefined && group.length === 1 && !inDoubt) {
      const tooMany = await findTooManyBindings(context, only.rotation.keyId, place);
      if (tooMany !== undefined) return { kind: 'failed', inDoubt, error: tooMany };
    }
    noteFailure(rotations, reasonOf(error, inDoubt), summarize(error));
    await endAbandoned(group);
    return { kind: 'retryable', inDoubt, error: rotationError };
  }

  return {
    prepare,
    runGroup,
    backoffMs: (attempt) => backoffMs(attempt, settings.random),
    onRetry: ({ rotation, attempts }, _result, delayMs) => {
      const { keyId, rotationId } = rotation;
      const failure = failures.get(rotation);
      if (failure === undefined) return;
      const { reason, error } = failure;
      emit({ type: 'retried', pool: pool.name, keyId, rotationId, attempt: attempts, reason, error, delayMs });
    },
    onAnswer: ({ rotation: { keyId, rotationId }, attempts }, answer) => {
      if (answer.kind === 'rotated')
        emit({ type: 'rotated', pool: pool.name, keyId, replacement: answer.replacement, rotationId, attempts });
      else if (answer.kind === 'already-rotated' && attempts > 1)
        emit({ type: 'lost-race', pool: pool.name, keyId, replacement: answer.replacement, attempts });
      else if (answer.kind === 'no-backup' || answer.kind === 'not-found')
        emit({ type: answer.kind, pool: pool.name, keyId });
      else if (answer.kind === 'held-back') emit({ type: 'held-back', pool: pool.name, keyId, until: answer.until });
      else if (answer.kind === 'other-incarnation')
        emit({ type: 'other-incarnation', pool: pool.name, keyId, asked: answer.asked, live: answer.live });
    },
    onIndeterminate: ({ rotation: { keyId, rotationId } }) =>
      emit({ type: 'indeterminate', pool: pool.name, keyId, rotationId }),
    onBusy: ({ rotation, attempts, transaction }) => {
      const { keyId, rotationId } = rotation;
      const { reason, error } = failures.get(rotation) ?? {
        reason: reasonOfDelay(rotation, transaction),
        error: undefined,
      };
      emit({ type: 'busy', pool: pool.name, keyId, rotationId, attempts, reason, error });
    },
  };
}

/** What an error says of a group. Only the error of a group of one reaches callers. */
function contextOf(pool: AnyPool, group: readonly PendingRotation[], inDoubt: boolean) {
  const [first] = group;
  const rotationId = inDoubt || first?.commitInDoubt === true ? first?.rotation.rotationId : undefined;
  return {
    what: `rotate ${first === undefined ? '' : shownId(pool, first.rotation.keyId)}`,
    secretIds: pool.secretIds,
    rotationId,
    consequence:
      rotationId === undefined
        ? 'The rotation was undone.'
        : `The rotation may have been committed: ask findRotation for ${rotationId} later.`,
  };
}

function reasonOf(error: unknown, inDoubt: boolean): RetryReason {
  if (inDoubt) return 'commit-in-doubt';
  if (error === NOBODY_WAITS || isUnreachable(error)) return 'unreachable';
  return isEndedTransaction(error) ? 'ended' : 'conflict';
}
