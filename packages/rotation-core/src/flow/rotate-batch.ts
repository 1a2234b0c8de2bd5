import { beganAt, isLive, storedIncarnationOf, type StoredBackup, type StoredKey } from '../documents.ts';
import { RotationError } from '../errors.ts';
import type { Answer, Rotation } from '../rotation.ts';
import { followEvidence, type Successor } from './follow-evidence.ts';
import { applyBrake } from './brake.ts';
import { findKeptByOldFlow } from './kept-by-old-flow.ts';
import { expectNoOlderFlow } from './older-flow.ts';
import type { Replacement } from './replacement.ts';
import type { Steps } from './steps/index.ts';
import { WRITES_PER_MOVE } from './steps/move-bindings.ts';
import type { Transaction } from './transaction.ts';
import { refusingDuplicates, UnusableBackup } from './unusable-backup.ts';
import { ChangedBackup, MAX_CANDIDATES, type VerifiedBackups } from './verified-backups.ts';

/** What a batch needs besides the transaction. */
export interface BatchOptions {
  readonly steps: Steps;
  /** Writes to the keys before anything is read, because other writers came in between before. Default: false. */
  readonly lockFirst?: boolean;
  /** Returns a number from 0 up to 1. */
  readonly random: () => number;
  /** True for a backup that another transaction of this rotator has chosen: it is left alone as long as there are others. */
  readonly isReserved?: (backupId: string) => boolean;
  /** Called with the backups that this transaction has chosen, before it writes. */
  readonly onChosen?: (backupIds: readonly string[]) => void;
  /** Backups that can't be used. */
  readonly passedOver?: readonly string[];
  /** Of a rotator that verifies its backups; others claim any free one. */
  readonly verified?: VerifiedBackups;
  /** Called instead of a claim, where no free backup is verified: with those to verify, none if each was tried a moment ago. */
  readonly onUnverified?: (candidates: ReadonlyMap<string, StoredBackup>) => void;
  /** Called after each claim, inside the transaction, which may still be undone. */
  readonly onClaimed?: (replacement: Replacement) => void;
  /** Called with the number of free backups that are left, if one page shows them all. */
  readonly onStockSeen?: (freeBackups: number) => void;
}

/**
 * A page of free backups is this many times as large as the batch, and has at least MIN_PAGE_SIZE backups, so that concurrent
 * transactions rarely choose the same backup.
 */
const PAGE_SIZE_FACTOR = 16;
const MIN_PAGE_SIZE = 256;
/** Of a pool with an order, backups are chosen among the first of the page: this many times as many as the batch. */
const ORDERED_FACTOR = 4;

/**
 * Rotates several different keys in one transaction:
 *
 *   1. read the keys; a key that is not live any more is answered from evidence;
 *   2. wait for an older flow that is rotating one of them;
 *   3. hold back what the pool's brake does not allow;
 *   4. read a page of free backups; if there is none, or none that is verified, change nothing;
 *   5. retire the failed keys (this write is the lock), claim a backup for each, make the backups keys, move the bindings.
 *
 * The caller commits. Until then the answers are not true.
 *
 * @returns the answers. A rotation for which the page had no backup left, or none that is verified, has none: it must be tried again.
 */
export async function rotateBatch(
  transaction: Transaction,
  rotations: readonly Rotation[],
  {
    steps,
    lockFirst = false,
    random,
    passedOver,
    verified,
    isReserved = () => false,
    onChosen,
    onUnverified,
    onClaimed,
    onStockSeen,
  }: BatchOptions,
): Promise<Map<Rotation, Answer>> {
  const answers = new Map<Rotation, Answer>();

  const keyIds = rotations.map(({ keyId }) => keyId);
  if (lockFirst) await steps.touchKeys(transaction, keyIds);
  const keys = await steps.readKeys(transaction, keyIds);
  const keptByOldFlow = await findKeptByOldFlow(transaction, keys, steps);
  const failed: { rotation: Rotation; failedKey: StoredKey }[] = [];
  const kept = new Map<Rotation, Successor>();
  const gone: Rotation[] = [];
  for (const rotation of rotations) {
    const key = keys.get(rotation.keyId);
    if (key === undefined || !isLive(key) || !isMeant(rotation, key)) gone.push(rotation);
    else {
      const successor = keptByOldFlow.get(rotation.keyId);
      if (successor !== undefined) kept.set(rotation, successor);
      else {
        rotation.incarnation = storedIncarnationOf(key);
        failed.push({ rotation, failedKey: key });
      }
    }
  }

  const successors = new Map([...kept, ...(await followEvidence(transaction, gone, steps))]);
  for (const rotation of [...kept.keys(), ...gone]) {
    const successor = successors.get(rotation);
    if (successor === undefined) answers.set(rotation, withoutSuccessor(rotation, keys.get(rotation.keyId)));
    // The commit of an earlier attempt was in doubt, and succeeded after all: the evidence has this rotation's own id.
    else if (successor.rotationId === rotation.rotationId)
      answers.set(rotation, { kind: 'rotated', replacement: successor.replacement });
    else answers.set(rotation, { kind: 'already-rotated', replacement: successor.replacement });
  }
  const nowhere = gone.filter((rotation) => answers.get(rotation)?.kind === 'not-found');
  await expectNoOlderFlow(
    transaction,
    [
      ...failed.map(({ rotation: { keyId }, failedKey }) => ({ keyId, begunAt: beganAt(failedKey) })),
      ...nowhere.map(({ keyId }) => ({ keyId, begunAt: undefined })),
    ],
    steps,
  );
  if (failed.length === 0) return answers;

  const { count: allowed, until, lock } = await applyBrake(transaction, failed.length, steps);
  for (const { rotation } of failed.splice(allowed)) answers.set(rotation, { kind: 'held-back', until });
  if (failed.length === 0) return answers;

  const pageSize = Math.max(MIN_PAGE_SIZE, PAGE_SIZE_FACTOR * failed.length);
  const page = await steps.findFreeBackups(transaction, pageSize, passedOver);
  // This transaction retires the failed keys first, so that installing one of them again would meet no duplicate key.
  const free = page.filter((id) => !isLive(keys.get(id)));
  if (free.length === 0) {
    for (const { rotation } of failed) answers.set(rotation, { kind: 'no-backup' });
    onStockSeen?.(0);
    return answers;
  }
  const isOrdered = transaction.pool.order !== undefined;
  const usable = verified === undefined ? free : free.filter(verified.isVerified);
  if (verified !== undefined && usable.length === 0) {
    const count = Math.min(failed.length, MAX_CANDIDATES);
    const candidates = choose(free.filter(verified.mayBeVerified), count, isOrdered, random);
    onUnverified?.(candidates.length === 0 ? new Map() : await steps.readCandidates(transaction, candidates));
    return answers;
  }
  const unreserved = usable.filter((id) => !isReserved(id));
  const chosen = choose(unreserved.length === 0 ? usable : unreserved, failed.length, isOrdered, random);
  onChosen?.(chosen);
  const replacements: Replacement[] = chosen.flatMap((backupId, index) => {
    const entry = failed[index];
    return entry === undefined ? [] : [{ ...entry, backupId }];
  });

  if (lock !== undefined) await steps.touchClaim(transaction, lock.latestClaim ?? free[0] ?? '');
  expectAll('retired', await steps.retireKeys(transaction, replacements), replacements);
  await steps.archiveKeys(transaction, replacements);
  expectAll('claimed', await steps.claimBackups(transaction, replacements), replacements);
  for (const replacement of replacements) onClaimed?.(replacement);
  const backups = await steps.readClaimedBackups(transaction, replacements);
  expectOtherCredentials(replacements, backups);
  if (verified !== undefined) expectVerified(backups, verified);
  const installed = await refusingDuplicates(
    replacements.map(({ backupId }) => backupId),
    () => steps.installKeys(transaction, replacements, backups),
  );
  expectAll('installed', installed, replacements);
  const moves = replacements.map(({ rotation, backupId }) => ({ from: rotation.keyId, to: backupId }));
  await refusingDuplicates(
    moves.flatMap(({ to }) => Array<string>(WRITES_PER_MOVE).fill(to)),
    () => steps.moveBindings(transaction, moves),
  );

  if (page.length < pageSize) onStockSeen?.(free.length - chosen.length);
  for (const { rotation, backupId } of replacements) answers.set(rotation, { kind: 'rotated', replacement: backupId });
  return answers;
}

function withoutSuccessor({ incarnation }: Rotation, key: StoredKey | undefined): Answer {
  if (key === undefined || !isLive(key) || incarnation === undefined) return { kind: 'not-found' };
  return { kind: 'other-incarnation', asked: incarnation, live: storedIncarnationOf(key) };
}

/** A rotation without an incarnation means the key that is live now; otherwise only the key of that incarnation is meant. */
const isMeant = ({ incarnation }: Rotation, key: StoredKey): boolean =>
  incarnation === undefined || incarnation === storedIncarnationOf(key);

function choose(free: readonly string[], count: number, isOrdered: boolean, random: () => number): readonly string[] {
  return takeNeighbours(isOrdered ? free.slice(0, ORDERED_FACTOR * count) : free, count, random);
}

/**
 * Takes neighbours in index order, from a random place. Two transactions that take n of m backups each then conflict with a
 * probability of about 2n/m. If each backup were drawn on its own, all but the smallest batches would have one in common.
 */
function takeNeighbours(page: readonly string[], count: number, random: () => number): readonly string[] {
  const start = Math.floor(random() * page.length);
  return [...page.slice(start), ...page.slice(0, start)].slice(0, count);
}

/** A backup with the credential that has failed would fail at once. @throws UnusableBackup */
function expectOtherCredentials(
  replacements: readonly Replacement[],
  backups: ReadonlyMap<string, StoredBackup>,
): void {
  const bad = replacements.find(
    // A pool may keep its credentials in another field.
    ({ failedKey: { apiKey }, backupId }) => typeof apiKey === 'string' && backups.get(backupId)?.apiKey === apiKey,
  );
  if (bad !== undefined) throw new UnusableBackup(bad.backupId, 'failed-credential');
}

/** @throws ChangedBackup */
function expectVerified(backups: ReadonlyMap<string, StoredBackup>, { isAsVerified }: VerifiedBackups): void {
  const changed = [...backups].find(([id, backup]) => !isAsVerified(id, backup));
  if (changed !== undefined) throw new ChangedBackup(changed[0]);
}

/** The snapshot holds all documents of a write. If the write matched fewer, it did not see the snapshot, and there was no lock. */
function expectAll(what: string, count: number, { length }: readonly Replacement[]): void {
  if (count !== length)
    throw new RotationError(
      'inconsistent',
      `Expected ${length} documents to be ${what}, got ${count}, though the snapshot holds all of them. The rotation was undone.`,
    );
}
