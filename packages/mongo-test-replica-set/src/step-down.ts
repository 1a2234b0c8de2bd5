import { setTimeout as delay } from 'node:timers/promises';
import { MongoServerError } from 'mongodb';
import { addressOf, askMember } from './ask.ts';
import { ReplicaSetError, firstLine } from './replica-set-error.ts';
import type { Member } from './replica-set.ts';

/** So long the former primary can't be elected, in a set of several members. Must exceed the catch-up period. */
const STEP_DOWN_SECONDS = 10;
const MAX_CATCH_UP_SECONDS = 5;
const MAX_COMMAND_MS = 15_000;
const MAX_RETRY_MS = 10_000;
const RETRY_PAUSE_MS = 100;
/** LockTimeout, LockBusy, ConflictingOperationInProgress: the primary is busy (SERVER-48154). */
const TRANSIENT_CODES: readonly unknown[] = [24, 46, 117];

/** A member that can't be reached can't be elected either. */
const MAX_UNFREEZE_MS = 1_000;

/** Makes the primary `old` step down and resolves with the new primary. In a set of one member that is `old` again. */
export async function stepDownPrimary(
  old: Member,
  members: readonly Member[],
  findPrimary: () => Promise<Member>,
): Promise<Member> {
  const memberCount = members.length;
  // Those that have stepped down shortly before could not be elected yet.
  const others = members.filter(({ index }) => index !== old.index);
  await Promise.allSettled(others.map((member) => askMember(member, { replSetFreeze: 0 }, MAX_UNFREEZE_MS)));
  await sendStepDown(old, memberCount);
  const deadlineMs = performance.now() + MAX_RETRY_MS;
  while (performance.now() < deadlineMs) {
    const successor = await findPrimary();
    if (memberCount === 1 || successor.index !== old.index) return successor;
    await delay(RETRY_PAUSE_MS);
  }
  throw new ReplicaSetError('step-down-failed', `${addressOf(old)} stepped down and was elected again.`);
}

async function sendStepDown(old: Member, memberCount: number): Promise<void> {
  const command =
    memberCount === 1
      ? { replSetStepDown: 1, secondaryCatchUpPeriodSecs: 0, force: true }
      : { replSetStepDown: STEP_DOWN_SECONDS, secondaryCatchUpPeriodSecs: MAX_CATCH_UP_SECONDS };
  const deadlineMs = performance.now() + MAX_RETRY_MS;
  for (;;) {
    try {
      await askMember(old, command, MAX_COMMAND_MS);
      return;
    } catch (error) {
      if (!isTransient(error) || performance.now() >= deadlineMs) {
        const reason = `${addressOf(old)} did not step down: ${firstLine(error)}`;
        throw new ReplicaSetError('step-down-failed', reason, { cause: error });
      }
    }
    await delay(RETRY_PAUSE_MS);
  }
}

/**
 * Whether the same command may succeed later. ExceededTimeLimit (262) has two causes: a lock was not available, which
 * is transient, or no secondary has caught up, which is not.
 */
function isTransient(error: unknown): boolean {
  if (!(error instanceof MongoServerError)) return false;
  return TRANSIENT_CODES.includes(error.code) || (error.code === 262 && /\block\b/i.test(error.message));
}
