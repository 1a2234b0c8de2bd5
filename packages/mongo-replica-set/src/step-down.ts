import { setTimeout as delay } from 'node:timers/promises';
import { MongoServerError } from 'mongodb';
import { addressOf, askMember } from './ask.ts';
import { ReplicaSetError, firstLine } from './replica-set-error.ts';
import type { Member } from './replica-set.ts';

/** In a larger set the old primary stays out for so long; must exceed the catch-up period. */
const stepDownSeconds = 10;
const catchUpSeconds = 5;
const commandTimeoutMs = 15_000;
const retryForMs = 10_000;
const retryPauseMs = 100;
/** LockTimeout, LockBusy, ConflictingOperationInProgress: a busy primary (SERVER-48154). */
const transientCodes: readonly unknown[] = [24, 46, 117];

/** Makes `old` step down and resolves with its successor; in a set of one that is itself. */
export async function stepDownPrimary(
  old: Member,
  memberCount: number,
  findPrimary: () => Promise<Member>,
): Promise<Member> {
  await sendStepDown(old, memberCount);
  const deadlineMs = performance.now() + retryForMs;
  while (performance.now() < deadlineMs) {
    const successor = await findPrimary();
    if (memberCount === 1 || successor.index !== old.index) return successor;
    await delay(retryPauseMs);
  }
  throw new ReplicaSetError('step-down-failed', `${addressOf(old)} stepped down and is primary again.`);
}

async function sendStepDown(old: Member, memberCount: number): Promise<void> {
  const command =
    memberCount === 1
      ? { replSetStepDown: 1, secondaryCatchUpPeriodSecs: 0, force: true }
      : { replSetStepDown: stepDownSeconds, secondaryCatchUpPeriodSecs: catchUpSeconds };
  const deadlineMs = performance.now() + retryForMs;
  for (;;) {
    try {
      await askMember(old, command, commandTimeoutMs);
      return;
    } catch (error) {
      if (!isTransient(error) || performance.now() >= deadlineMs) {
        const reason = `${addressOf(old)} did not step down: ${firstLine(error)}`;
        throw new ReplicaSetError('step-down-failed', reason, { cause: error });
      }
    }
    await delay(retryPauseMs);
  }
}

/** ExceededTimeLimit says both that a lock was not to be had and that no secondary has caught up; only the first passes. */
function isTransient(error: unknown): boolean {
  if (!(error instanceof MongoServerError)) return false;
  return transientCodes.includes(error.code) || (error.code === 262 && /\block\b/i.test(error.message));
}
