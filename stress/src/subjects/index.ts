import { checkedClaim } from './known-bad/checked-claim.ts';
import { claimBeforeLock } from './known-bad/claim-before-lock.ts';
import { filteredMiss } from './known-bad/filtered-miss.ts';
import { firstBinding } from './known-bad/first-binding.ts';
import { keptKey } from './known-bad/kept-key.ts';
import { lockByFind } from './known-bad/lock-by-find.ts';
import { markFirst } from './known-bad/mark-first.ts';
import { naive } from './known-bad/naive.ts';
import { surplusInsert } from './known-bad/surplus-insert.ts';
import { swallowedDuplicate } from './known-bad/swallowed-duplicate.ts';
import { reference, referenceBare } from './reference.ts';
import type { KnownBadSubject, Subject } from './subject.ts';

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
];

export const subjects: ReadonlyMap<string, Subject> = new Map(
  [...references, ...knownBad].map((subject) => [subject.name, subject]),
);
