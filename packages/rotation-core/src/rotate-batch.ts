import { incarnationOf, isLive, type KeyDocument } from './documents.ts';
import { followEvidence, type Successor } from './follow-evidence.ts';
import { findKeptByOldFlow } from './kept-by-old-flow.ts';
import { RotationError } from './rotation-error.ts';
import type { Answer, Replacement, Rotation, Transaction } from './rotation.ts';
import type { Steps } from './steps/index.ts';

/** What the batch needs beside the database. */
export interface BatchOptions {
  readonly steps: Steps;
  /** A number from 0 up to 1, as `Math.random` gives it. */
  readonly random: () => number;
  /** Called inside the transaction, which may still be undone. */
  readonly onClaimed?: (replacement: Replacement) => void;
  /** Told the number of free backups that are left, where one page shows them all. */
  readonly onStockSeen?: (freeBackups: number) => void;
}

/** A page is this many times the wanted backups, and at least this many, so that concurrent transactions rarely want the same. */
const PAGE_FACTOR = 16;
const PAGE_MIN = 256;

/**
 * Rotates several different keys in one transaction. Read what is there; a key that is gone is answered from evidence; with no
 * free backup nothing happens. Else retire the keys - this is the lock -, claim a backup for each, make it a key, and
 * move the bindings. The caller commits, and only then are the answers true.
 *
 * @returns answers; none for a rotation that the page had no backup for, which must be tried again.
 */
export async function rotateBatch(
  transaction: Transaction,
  rotations: readonly Rotation[],
  { steps, random, onClaimed, onStockSeen }: BatchOptions,
): Promise<Map<Rotation, Answer>> {
  const answers = new Map<Rotation, Answer>();

  const keys = await steps.readKeys(
    transaction,
    rotations.map(({ keyId }) => keyId),
  );
  const keptByOldFlow = await findKeptByOldFlow(transaction, [...keys.values()], steps);
  const failed: { rotation: Rotation; failedKey: KeyDocument }[] = [];
  const kept = new Map<Rotation, Successor>();
  const gone: Rotation[] = [];
  for (const rotation of rotations) {
    const key = keys.get(rotation.keyId);
    if (key === undefined || !isLive(key) || !isMeant(rotation, key)) gone.push(rotation);
    else {
      const successor = keptByOldFlow.get(key._id);
      if (successor !== undefined) kept.set(rotation, successor);
      else {
        rotation.incarnation = incarnationOf(key);
        failed.push({ rotation, failedKey: key });
      }
    }
  }

  const successors = new Map([...kept, ...(await followEvidence(transaction, gone, steps))]);
  for (const rotation of [...kept.keys(), ...gone]) {
    const successor = successors.get(rotation);
    if (successor === undefined) answers.set(rotation, { kind: 'not-found' });
    // An attempt whose commit was in doubt went through after all: its own id says so.
    else if (successor.rotationId === rotation.rotationId)
      answers.set(rotation, { kind: 'rotated', replacement: successor.replacement });
    else answers.set(rotation, { kind: 'already-rotated', replacement: successor.replacement });
  }
  if (failed.length === 0) return answers;

  const pageLimit = Math.max(PAGE_MIN, PAGE_FACTOR * failed.length);
  const free = await steps.findFreeBackups(transaction, pageLimit);
  if (free.length === 0) {
    for (const { rotation } of failed) answers.set(rotation, { kind: 'no-backup' });
    onStockSeen?.(0);
    return answers;
  }
  const chosen = takeRun(free, failed.length, random);
  const replacements: Replacement[] = chosen.flatMap((backupId, index) => {
    const entry = failed[index];
    return entry === undefined ? [] : [{ ...entry, backupId }];
  });

  expectNotLive(replacements, keys);
  expectAll('retired', await steps.retireKeys(transaction, replacements), replacements);
  await steps.archiveKeys(transaction, replacements);
  expectAll('claimed', await steps.claimBackups(transaction, replacements), replacements);
  for (const replacement of replacements) onClaimed?.(replacement);
  const backups = await steps.readClaimedBackups(transaction, replacements);
  expectAll('installed', await steps.installKeys(transaction, replacements, backups), replacements);
  await steps.moveBindings(
    transaction,
    replacements.map(({ failedKey, backupId }) => ({ from: failedKey._id, to: backupId })),
  );

  if (free.length < pageLimit) onStockSeen?.(free.length - chosen.length);
  for (const { rotation, backupId } of replacements) answers.set(rotation, { kind: 'rotated', replacement: backupId });
  return answers;
}

/** A caller that named no incarnation means the key that is there; one that named it, or was pinned, means that life alone. */
const isMeant = ({ incarnation }: Rotation, key: KeyDocument): boolean =>
  incarnation === undefined || incarnation === incarnationOf(key);

/**
 * Neighbours in index order, from a random place: two transactions that want n of m backups each then meet with a chance of
 * about 2n/m. With n picked one by one, all but the smallest batches would meet in at least one.
 */
function takeRun(page: readonly string[], count: number, random: () => number): readonly string[] {
  const start = Math.floor(random() * page.length);
  return [...page.slice(start), ...page.slice(0, start)].slice(0, count);
}

/**
 * A free backup that is one of the failed keys themselves. Inside this transaction that key gives way first, so no duplicate
 * would be met, and a failed credential would come back as a replacement. Any other live key is refused by `_id`.
 */
function expectNotLive(replacements: readonly Replacement[], keys: ReadonlyMap<string, KeyDocument>): void {
  const bad = replacements.find(({ backupId }) => isLive(keys.get(backupId)));
  if (bad !== undefined)
    throw new RotationError(
      'inconsistent',
      `The free backup "${bad.backupId}" is a live key; delete that backup. The rotation was undone.`,
    );
}

/** A write that matched less than this transaction's own snapshot holds would be a flow that lost its lock. */
function expectAll(what: string, count: number, { length }: readonly Replacement[]): void {
  if (count !== length)
    throw new RotationError('inconsistent', `${what} ${count} of ${length}, which the snapshot can't explain; undone`);
}
