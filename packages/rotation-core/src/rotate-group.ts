import { backoffMs } from './backoff.ts';
import type { RotatorContext } from './context.ts';
import { toRotationError } from './database-error.ts';
import { createAbandonedEnder } from './end-abandoned.ts';
import type { GroupResult, QueueOptions, Try } from './rotation-queue.ts';
import { isRetryable, runTransaction } from './transaction.ts';

/** Ties the queue to the database: how a group is rotated, how long it rests after a failure, and what is reported. */
export function rotateGroup(
  context: RotatorContext,
): Pick<QueueOptions, 'runGroup' | 'backoffMs' | 'onRetry' | 'onAnswer' | 'onIndeterminate'> {
  const { db, pool, settings, flow, emit } = context;
  const endAbandoned = createAbandonedEnder(context);

  async function runGroup(tries: readonly Try[]): Promise<GroupResult> {
    const rotations = tries.map(({ rotation }) => rotation);
    let inDoubt = false;
    let freeBackups: number | undefined;
    try {
      const answers = await runTransaction(
        db.client,
        (session) =>
          flow.rotateBatch({ db, pool, session }, rotations, {
            steps: flow.steps,
            random: settings.random,
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
      const rotationError = toRotationError(error, rotations.length === 1 ? rotations[0]?.rotationId : undefined);
      if (!isRetryable(error)) return { kind: 'failed', inDoubt, error: rotationError };
      await endAbandoned(tries);
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
