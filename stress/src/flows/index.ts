import type { AnyFlow, FaultMutant, Mutant } from 'mongo-harness';
import type { RotationTypes } from '../model/rotation-types.ts';
import { archiveAfter } from './mutants/archive-after.ts';
import { bindWithoutTouch } from './mutants/bind-without-touch.ts';
import { bindingsFirst } from './mutants/bindings-first.ts';
import { bindingsOutside } from './mutants/bindings-outside.ts';
import { chainNotFollowed } from './mutants/chain-not-followed.ts';
import { brakePerProcess } from './mutants/brake-per-process.ts';
import { checkedClaim } from './mutants/checked-claim.ts';
import { claimBeforeLock } from './mutants/claim-before-lock.ts';
import { claimKeptOnRetry } from './mutants/claim-kept-on-retry.ts';
import { claimOutside } from './mutants/claim-outside.ts';
import { commitNotRetried } from './mutants/commit-not-retried.ts';
import { conflictIsNoBackup } from './mutants/conflict-is-no-backup.ts';
import { earlyAnswer } from './mutants/early-answer.ts';
import { filteredMiss } from './mutants/filtered-miss.ts';
import { firstBinding } from './mutants/first-binding.ts';
import { incarnationNotMatched } from './mutants/incarnation-not-matched.ts';
import { installAfter } from './mutants/install-after.ts';
import { intentWithoutRecovery } from './mutants/intent-without-recovery.ts';
import { keptKey } from './mutants/kept-key.ts';
import { leaseWithoutFence } from './mutants/lease-without-fence.ts';
import { localEvidence } from './mutants/local-evidence.ts';
import { lockByFind } from './mutants/lock-by-find.ts';
import { markFirst } from './mutants/mark-first.ts';
import { naive } from './mutants/naive.ts';
import { noEvidence } from './mutants/no-evidence.ts';
import { noTransaction } from './mutants/no-transaction.ts';
import { olderFlowNotAwaited } from './mutants/older-flow-not-awaited.ts';
import { restoreKeepsUsedFor } from './mutants/restore-keeps-used-for.ts';
import { restoreWithoutTouch } from './mutants/restore-without-touch.ts';
import { staleEvidence } from './mutants/stale-evidence.ts';
import { surplusInsert } from './mutants/surplus-insert.ts';
import { sweepDeletes } from './mutants/sweep-deletes.ts';
import { sweepWithoutTouch } from './mutants/sweep-without-touch.ts';
import { swallowedDuplicate } from './mutants/swallowed-duplicate.ts';
import { timeoutIsFailure } from './mutants/timeout-is-failure.ts';
import { uncountedRetire } from './mutants/uncounted-retire.ts';
import { w1 } from './mutants/w1.ts';
import { unknownIsUndone } from './mutants/unknown-is-undone.ts';
import { program } from './program.ts';
import { reference, referenceBare, referenceVerifying } from './reference.ts';

/** Flows that must be caught: a harness is believed only when it is seen to catch something. */
export const mutants: readonly Mutant<RotationTypes>[] = [
  naive,
  checkedClaim,
  surplusInsert,
  markFirst,
  firstBinding,
  keptKey,
  noTransaction,
  claimBeforeLock,
  lockByFind,
  filteredMiss,
  swallowedDuplicate,
  claimOutside,
  claimKeptOnRetry,
  bindingsOutside,
  bindingsFirst,
  installAfter,
  archiveAfter,
  uncountedRetire,
  staleEvidence,
  noEvidence,
  chainNotFollowed,
  incarnationNotMatched,
  restoreKeepsUsedFor,
  restoreWithoutTouch,
  bindWithoutTouch,
  sweepWithoutTouch,
  sweepDeletes,
  brakePerProcess,
  olderFlowNotAwaited,
  conflictIsNoBackup,
  commitNotRetried,
  unknownIsUndone,
  intentWithoutRecovery,
  earlyAnswer,
];

/** Flows that only faults show to be wrong. */
export const faultMutants: readonly FaultMutant<RotationTypes>[] = [
  w1,
  localEvidence,
  timeoutIsFailure,
  leaseWithoutFence,
];

export const flows: readonly [AnyFlow<RotationTypes>, ...AnyFlow<RotationTypes>[]] = [
  reference,
  referenceBare,
  referenceVerifying,
  program,
  ...mutants,
  ...faultMutants,
];
