import { createHash } from 'node:crypto';
import type { BackupDocument } from '../documents.ts';
import { setAsideFieldsOf, type Pool } from '../pool.ts';
import type { Rotation } from '../rotation.ts';
import { cleanText } from '../upstream/redact.ts';
import type { BackupVerdict, VerifyBackup } from '../verify.ts';
import type { Call, RotatorContext } from './context.ts';
import { retryTransaction } from './retry-transaction.ts';
import { setAside } from './set-aside.ts';
import type { PassedOver } from './unusable-backup.ts';
import type { VerifiedBackups } from './verified-backups.ts';

/** How a round of verifications ended. `error`: why none of them gave a verdict. */
export type Verified = { readonly kind: 'goes-on' } | { readonly kind: 'no-verdict'; readonly error: string };

/** After an attempt without a verdict, others are tried for this long; where there are none, the upstream is left alone. */
const PUT_OFF_MS = 1_000;

/**
 * Verifies backups between two transactions: the first found none that is verified, and the second claims one. So no upstream is waited for
 * while a transaction is open, and nothing is asked for a caller that needs no backup.
 *
 * What was found usable is remembered in this process only, and only for the credential that it was found out for. What was refused is marked
 * in the database, for all processes.
 */
export class BackupVerifier implements VerifiedBackups {
  readonly #verify: VerifyBackup;
  readonly #context: RotatorContext;
  readonly #passedOver: PassedOver;
  /** Times by `performance.now()`. */
  readonly #verified = new Map<string, { readonly digest: string; readonly until: number }>();
  readonly #putOff = new Map<string, number>();
  /** Groups that want the same backup share one verification. */
  readonly #underWay = new Map<string, Promise<string | undefined>>();
  readonly #wanted = new WeakMap<Rotation, readonly BackupDocument[]>();

  constructor(verify: VerifyBackup, context: RotatorContext, passedOver: PassedOver) {
    this.#verify = verify;
    this.#context = context;
    this.#passedOver = passedOver;
  }

  readonly isVerified = (backupId: string): boolean =>
    (this.#verified.get(backupId)?.until ?? -Infinity) > performance.now();

  readonly mayBeVerified = (backupId: string): boolean =>
    (this.#putOff.get(backupId) ?? -Infinity) <= performance.now();

  readonly isAsVerified = (backup: BackupDocument): boolean =>
    this.#verified.get(backup._id)?.digest === digestOf(backup, this.#context.pool);

  forget(backupId: string): void {
    this.#verified.delete(backupId);
  }

  /** Notes what a rotation has to wait for before its next transaction. */
  want(rotation: Rotation, candidates: readonly BackupDocument[]): void {
    this.#wanted.set(rotation, candidates);
  }

  isWantedBy(rotations: readonly Rotation[]): boolean {
    return rotations.some((rotation) => this.#wanted.has(rotation));
  }

  /** Verifies what these rotations want. Never rejects. */
  async verifyWanted(rotations: readonly Rotation[]): Promise<Verified> {
    const wanted = new Map<string, BackupDocument>();
    for (const rotation of rotations)
      for (const backup of this.#wanted.get(rotation) ?? []) wanted.set(backup._id, backup);
    // No transaction until one may be tried again: it would only look, and a deadline in its midst would be a doubt.
    if (wanted.size === 0 && performance.now() < Math.min(...this.#putOff.values()))
      return { kind: 'no-verdict', error: 'verify gave no verdict on any free backup a moment ago' };
    for (const rotation of rotations) this.#wanted.delete(rotation);
    const errors = await Promise.all([...wanted.values()].map((backup) => this.#share(backup)));
    const [error] = errors;
    return error === undefined || errors.includes(undefined) ? { kind: 'goes-on' } : { kind: 'no-verdict', error };
  }

  /** @returns why there was no verdict, if there was none. */
  #share(backup: BackupDocument): Promise<string | undefined> {
    const known = this.#underWay.get(backup._id);
    if (known !== undefined) return known;
    const begun = this.#verifyOne(backup).finally(() => this.#underWay.delete(backup._id));
    this.#underWay.set(backup._id, begun);
    return begun;
  }

  async #verifyOne(backup: BackupDocument): Promise<string | undefined> {
    const { pool, settings, emit } = this.#context;
    const { _id: backupId } = backup;
    const clean = (text: string): string =>
      cleanText(text, typeof backup.apiKey === 'string' ? backup.apiKey : undefined);
    this.#dropOld();
    try {
      const verdict = await ask(this.#verify, backup, settings.maxVerifyMs);
      const digest = digestOf(backup, pool);
      if (verdict.kind === 'usable')
        this.#verified.set(backupId, { digest, until: performance.now() + settings.maxVerifiedAgeMs });
      else await this.#setAside(backupId, digest, clean(verdict.reason));
      return undefined;
    } catch (error) {
      this.#putOff.set(backupId, performance.now() + PUT_OFF_MS);
      const text = clean(error instanceof Error ? `${error.name}: ${error.message}` : String(error));
      emit({ type: 'backup-unverified', pool: pool.name, backupId, error: text });
      return text;
    }
  }

  /** Where the database can't be told, this process passes the backup over. */
  async #setAside(backupId: string, digest: string, reason: string): Promise<void> {
    const { pool, settings, emit } = this.#context;
    const call: Call = { over: false, inDoubt: false, lastError: undefined };
    const timer = setTimeout(() => {
      call.over = true;
    }, settings.maxVerifyMs);
    try {
      const isSame = (backup: BackupDocument): boolean => digestOf(backup, pool) === digest;
      const isMarked = await retryTransaction({ ...this.#context, call }, (transaction) =>
        setAside(transaction, backupId, isSame, reason),
      );
      if (isMarked) emit({ type: 'backup-set-aside', pool: pool.name, backupId, reason });
    } catch {
      this.#passedOver.add(backupId);
      emit({ type: 'backup-unusable', pool: pool.name, backupId, why: 'refused' });
    } finally {
      clearTimeout(timer);
    }
  }

  #dropOld(): void {
    const now = performance.now();
    for (const [id, { until }] of this.#verified) if (until <= now) this.#verified.delete(id);
    for (const [id, until] of this.#putOff) if (until <= now) this.#putOff.delete(id);
  }
}

/** @throws whatever `verify` throws, and an Error where it takes too long or returns no verdict */
async function ask(verify: VerifyBackup, backup: BackupDocument, maxVerifyMs: number): Promise<BackupVerdict> {
  const ended = new AbortController();
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    const error = new Error(`verify gave no verdict within ${maxVerifyMs} ms`);
    late.reject(error);
    ended.abort(error);
  }, maxVerifyMs);
  try {
    // Also an error that is thrown at once is a rejection here.
    const asked = (async () => verify(backup, { signal: ended.signal }))();
    const verdict: unknown = await Promise.race([asked, late.promise]);
    if (!isVerdict(verdict)) throw new Error('verify returned no verdict');
    return verdict;
  } finally {
    clearTimeout(timer);
  }
}

function isVerdict(value: unknown): value is BackupVerdict {
  if (typeof value !== 'object' || value === null || !('kind' in value)) return false;
  return (
    value.kind === 'usable' || (value.kind === 'unusable' && 'reason' in value && typeof value.reason === 'string')
  );
}

/** Fields that a use, a restoration or the brake writes to a backup. They are no part of what was verified. */
const MARKS = [
  'isUsed',
  'activated',
  'usedAt',
  'usedFor',
  'usedForIncarnation',
  'usedIn',
  'rotationId',
  'brakeSequence',
];

/**
 * A digest of the texts of a backup. Wherever a pool keeps its credentials, they are among the texts; and a text is the same in a document that was
 * read for a service and in one that was read with its BSON types.
 */
function digestOf(backup: BackupDocument, pool: Pool): string {
  const { at, reason } = setAsideFieldsOf(pool);
  const marks = [...MARKS, at, reason, ...Object.keys({ ...pool.usedBackup, ...pool.restoredBackup })];
  const fields = Object.entries(backup).filter(([name]) => !marks.includes(name));
  return createHash('sha256')
    .update(JSON.stringify(fields.map(textsOf)))
    .digest('base64');
}

const textsOf = (value: unknown): unknown => {
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return value.map(textsOf);
  // The classes of BSON have a mark.
  if (typeof value !== 'object' || value === null || '_bsontype' in value || value instanceof Date) return null;
  return Object.entries(value).map(textsOf);
};
