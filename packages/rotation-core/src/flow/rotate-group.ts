import { RotationError } from '../errors.ts';
import { backoffMs } from '../queue/backoff.ts';
import type { PendingRotation } from '../queue/pending-rotation.ts';
import type { GroupResult, QueueOptions } from '../queue/rotation-queue.ts';
import type { RotatorContext } from './context.ts';
import { toRotationError } from './database-error.ts';
import { createAbandonedEnder } from './end-abandoned.ts';
import { isRetryable, runTransaction } from './transaction.ts';
import { PassedOver, UnusableBackup } from './unusable-backup.ts';

/** The queue's ties to the database: runs a group in one transaction, says how long to back off, and emits the events. */
export function createGroupRotator(
  context: RotatorContext,
): Pick<QueueOptions, 'runGroup' | 'backoffMs' | 'onRetry' | 'onAnswer' | 'onIndeterminate'> {
  const { db, pool, settings, flow, emit } = context;
  const endAbandoned = createAbandonedEnder(context);
  const passedOver = new PassedOver();

  async function runGroup(group: readonly PendingRotation[]): Promise<GroupResult> {
    const rotations = group.map(({ rotation }) => rotation);
    let inDoubt = false;
    let freeBackups: number | undefined;
    try {
      const answers = await runTransaction(
        db.client,
        (session) =>
          flow.rotateBatch({ db, pool, session }, rotations, {
            steps: flow.steps,
            random: settings.random,
            passedOver: passedOver.ids,
            onClaimed: ({ rotation: { keyId, rotationId }, backupId }) =>
              emit({ type: 'claimed', pool: pool.name, keyId, backupId, rotationId }),
            onStockSeen: (count) => {
              freeBackups = count;
            },
          }),
        () => {
          inDoubt = true;
        },
      );
      const threshold = settings.lowStockThreshold;
      if (freeBackups !== undefined && freeBackups <= threshold)
        emit({ type: 'low-stock', pool: pool.name, freeBackups, threshold });
      return { kind: 'committed', answers };
    } catch (error) {
      if (error instanceof UnusableBackup) {
        const { backupId, why } = error;
        passedOver.add(backupId);
        emit({ type: 'backup-unusable', pool: pool.name, backupId, why });
        return { kind: 'retryable', inDoubt, error: new RotationError('inconsistent', error.message) };
      }
      const rotationError = toRotationError(error, rotations.length === 1 ? rotations[0]?.rotationId : undefined);
      if (!isRetryable(error)) return { kind: 'failed', inDoubt, error: rotationError };
      await endAbandoned(group);
      return { kind: 'retryable', inDoubt, error: rotationError };
    }
  }

  return {
    runGroup,
    backoffMs: (attempt) => backoffMs(attempt, settings.random),
    onRetry: ({ rotation: { keyId, rotationId }, attempts }, { inDoubt }, delayMs) =>
      emit({
        type: 'retried',
        pool: pool.name,
        keyId,
        rotationId,
        attempt: attempts,
        reason: inDoubt ? 'commit-in-doubt' : 'conflict',
        delayMs,
      }),
    onAnswer: ({ rotation: { keyId, rotationId }, attempts }, answer) => {
      if (answer.kind === 'rotated')
        emit({ type: 'rotated', pool: pool.name, keyId, replacement: answer.replacement, rotationId, attempts });
      else if (answer.kind === 'already-rotated' && attempts > 1)
        emit({ type: 'lost-race', pool: pool.name, keyId, replacement: answer.replacement, attempts });
      else if (answer.kind === 'no-backup') emit({ type: 'no-backup', pool: pool.name, keyId });
    },
    onIndeterminate: ({ rotation: { keyId, rotationId } }) =>
      emit({ type: 'indeterminate', pool: pool.name, keyId, rotationId }),
  };
}
