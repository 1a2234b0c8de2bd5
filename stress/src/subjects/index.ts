import { createExecSubject } from './exec/exec-subject.ts';
import { archiveAfter } from './known-bad/archive-after.ts';
import { bindWithoutTouch } from './known-bad/bind-without-touch.ts';
import { bindingsFirst } from './known-bad/bindings-first.ts';
import { bindingsOutside } from './known-bad/bindings-outside.ts';
import { chainNotFollowed } from './known-bad/chain-not-followed.ts';
import { checkedClaim } from './known-bad/checked-claim.ts';
import { claimBeforeLock } from './known-bad/claim-before-lock.ts';
import { claimKeptOnRetry } from './known-bad/claim-kept-on-retry.ts';
import { claimOutside } from './known-bad/claim-outside.ts';
import { commitNotRetried } from './known-bad/commit-not-retried.ts';
import { conflictIsNoBackup } from './known-bad/conflict-is-no-backup.ts';
import { earlyAnswer } from './known-bad/early-answer.ts';
import { filteredMiss } from './known-bad/filtered-miss.ts';
import { firstBinding } from './known-bad/first-binding.ts';
import { incarnationNotMatched } from './known-bad/incarnation-not-matched.ts';
import { installAfter } from './known-bad/install-after.ts';
import { keptKey } from './known-bad/kept-key.ts';
import { lockByFind } from './known-bad/lock-by-find.ts';
import { markFirst } from './known-bad/mark-first.ts';
import { naive } from './known-bad/naive.ts';
import { noEvidence } from './known-bad/no-evidence.ts';
import { restoreKeepsUsedFor } from './known-bad/restore-keeps-used-for.ts';
import { staleEvidence } from './known-bad/stale-evidence.ts';
import { surplusInsert } from './known-bad/surplus-insert.ts';
import { swallowedDuplicate } from './known-bad/swallowed-duplicate.ts';
import { uncountedRetire } from './known-bad/uncounted-retire.ts';
import { unknownIsUndone } from './known-bad/unknown-is-undone.ts';
import { reference, referenceBare } from './reference.ts';
import type { KnownBadSubject, Subject } from './subject.ts';

/** A flow as the user, or another process, names it: one of these two. */
export interface SubjectChoice {
  /** A name of {@link subjects}. */
  readonly subject?: string | undefined;
  /** An external command. */
  readonly exec?: string | undefined;
}

export const references: readonly Subject[] = [reference, referenceBare];

/** Flows that must be caught: a harness is believed only when it is seen to catch something. */
export const knownBad: readonly KnownBadSubject[] = [
  naive,
  checkedClaim,
  surplusInsert,
  markFirst,
  firstBinding,
  keptKey,
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
  bindWithoutTouch,
  conflictIsNoBackup,
  commitNotRetried,
  unknownIsUndone,
  earlyAnswer,
];

export const subjects: ReadonlyMap<string, Subject> = new Map(
  [...references, ...knownBad].map((subject) => [subject.name, subject]),
);

/** @throws TypeError when there is none of this name */
export function chooseSubject({ subject = reference.name, exec }: SubjectChoice): Subject {
  if (exec !== undefined) return createExecSubject(exec);
  const found = subjects.get(subject);
  if (found === undefined) throw new TypeError(`there is no ${subject}; there are ${[...subjects.keys()].join(', ')}`);
  return found;
}

/** The options that name a flow on the command line, for a POSIX shell. */
export function subjectOptions({ name, command }: Subject): string {
  return command === undefined ? `--subject ${name}` : `--exec '${command.replaceAll("'", `'\\''`)}'`;
}

export const choiceOf = ({ name, command }: Subject): SubjectChoice =>
  command === undefined ? { subject: name } : { exec: command };
