import { createHash } from 'node:crypto';
import type { StoredBackup } from '../documents.ts';
import type { StoredId } from '../ids.ts';
import { secretsOf, setAsideFieldsOf, type Pool } from '../pool.ts';
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
/** Longer than most transactions take. */
const CLAIM_NOTED_MS = 1_000;
/** What was verified for a rotation is kept for it at most this long: its callers may be gone. */
const MAX_HELD_MS = 1_000;

/** A backup that was found usable. Times by `performance.now()`. */
interface Usable {
  readonly digest: string;
  readonly until: number;
  /** The rotation that it was verified for. */
  readonly holder: Rotation;
  readonly heldUntil: number;
}

/** What a rotation waits for. */
interface Wanted {
  readonly candidates: ReadonlyMap<string, StoredBackup>;
  /** By `performance.now()`. */
  readonly notBefore: number;
}

/**
 * Verifies backups between two transactions: the first found none that is verified, and the second claims one. So no upstream is waited for
 * while a transaction is open, and nothing is asked for a caller that needs no backup.
 *
 * What was found usable is remembered in this process only, and only for the credential that it was found out for. What was refused is marked
 * in the database, for all processes.
 */
export class BackupVerifier {
  readonly #verify: VerifyBackup<StoredId>;
  readonly #context: RotatorContext;
  readonly #passedOver: PassedOver;
  readonly #usable = new Map<string, Usable>();
  readonly #putOffUntil = new Map<string, number>();
  /** Claimed a moment ago: transactions that began before still see them free. */
  readonly #claimedUntil = new Map<string, number>();
  /** Rotations that want the same backup share one verification. */
  readonly #underWay = new Map<string, Promise<string | undefined>>();
  readonly #wanted = new WeakMap<Rotation, Wanted>();

  constructor(verify: VerifyBackup<StoredId>, context: RotatorContext, passedOver: PassedOver) {
    this.#verify = verify;
    this.#context = context;
    this.#passedOver = passedOver;
  }

  /** What a transaction for these rotations may claim and verify. What is held for others is left to them: two that want the same conflict. */
  viewFor(rotations: readonly Rotation[]): VerifiedBackups {
    const isHeld = ({ holder, heldUntil }: Usable): boolean =>
      heldUntil > performance.now() && !rotations.includes(holder);
    return {
      isVerified: (backupId) => {
        const usable = this.#find(backupId);
        return usable !== undefined && !isHeld(usable);
      },
      mayBeVerified: (backupId) => {
        const usable = this.#find(backupId);
        const isFree = usable === undefined || !isHeld(usable);
        return (
          isFree &&
          !this.#underWay.has(backupId) &&
          !isPending(this.#putOffUntil, backupId) &&
          !isPending(this.#claimedUntil, backupId)
        );
      },
      isAsVerified: (backupId, backup) => this.#usable.get(backupId)?.digest === digestOf(backup, this.#context.pool),
    };
  }

  #find(backupId: string): Usable | undefined {
    const usable = this.#usable.get(backupId);
    return usable !== undefined && usable.until > performance.now() ? usable : undefined;
  }

  forget(backupId: string): void {
    this.#usable.delete(backupId);
  }

  /** The backup was claimed. */
  noteClaim(backupId: string): void {
    this.forget(backupId);
    this.#claimedUntil.set(backupId, performance.now() + CLAIM_NOTED_MS);
  }

  /** Lets others claim what was held for these rotations: their transaction is over. */
  release(rotations: readonly Rotation[]): void {
    for (const [id, usable] of this.#usable)
      if (rotations.includes(usable.holder)) this.#usable.set(id, { ...usable, heldUntil: 0 });
  }

  /** Notes what a rotation has to wait for before its next transaction: one of these, or, where there are none, some time. */
  want(rotation: Rotation, candidates: ReadonlyMap<string, StoredBackup>): void {
    const now = performance.now();
    const putOff = [...this.#putOffUntil.values()].filter((until) => until > now);
    this.#wanted.set(rotation, { candidates, notBefore: putOff.length === 0 ? now : Math.min(...putOff) });
  }

  isWantedBy(rotations: readonly Rotation[]): boolean {
    return rotations.some((rotation) => this.#wanted.has(rotation));
  }

  /** Verifies what these rotations want. Never rejects. */
  async verifyWanted(rotations: readonly Rotation[]): Promise<Verified> {
    const wanted = new Map<string, { readonly backup: StoredBackup; readonly rotation: Rotation }>();
    for (const rotation of rotations) {
      const { candidates = new Map<string, StoredBackup>(), notBefore = 0 } = this.#wanted.get(rotation) ?? {};
      for (const [id, backup] of candidates) wanted.set(id, { backup, rotation });
      // No transaction until one may be tried again: it would only look, and a deadline in its midst would be a doubt.
      if (candidates.size > 0 || notBefore <= performance.now()) this.#wanted.delete(rotation);
    }
    const errors = await Promise.all(
      [...wanted].map(([id, { backup, rotation }]) => this.#share(id, backup, rotation)),
    );
    if (errors.includes(undefined)) return { kind: 'goes-on' };
    return { kind: 'no-verdict', error: errors[0] ?? 'each free backup is being verified, or was a moment ago' };
  }

  /** @returns why there was no verdict, if there was none. */
  #share(backupId: string, backup: StoredBackup, rotation: Rotation): Promise<string | undefined> {
    const known = this.#underWay.get(backupId);
    if (known !== undefined) return known;
    // Another rotation read it before, and was answered meanwhile.
    if (this.#find(backupId)?.digest === digestOf(backup, this.#context.pool)) return Promise.resolve(undefined);
    const begun = this.#verifyOne(backupId, backup, rotation).finally(() => this.#underWay.delete(backupId));
    this.#underWay.set(backupId, begun);
    return begun;
  }

  async #verifyOne(backupId: string, backup: StoredBackup, holder: Rotation): Promise<string | undefined> {
    const { pool, settings, emit } = this.#context;
    const clean = (text: string): string => cleanText(text, secretsOf(pool, backupId, backup.apiKey));
    this.#dropOld();
    try {
      const verdict = await ask(this.#verify, backup, settings.maxVerifyMs);
      const digest = digestOf(backup, pool);
      const now = performance.now();
      if (verdict.kind === 'usable')
        this.#usable.set(backupId, {
          digest,
          until: now + settings.maxVerifiedAgeMs,
          holder,
          heldUntil: now + MAX_HELD_MS,
        });
      else await this.#setAside(backupId, digest, clean(verdict.reason));
      return undefined;
    } catch (error) {
      this.#putOffUntil.set(backupId, performance.now() + PUT_OFF_MS);
      const text = clean(error instanceof Error ? `${error.name}: ${error.message}` : String(error));
      emit({ type: 'backup-unverified', pool: pool.name, backupId, error: text });
      return text;
    }
  }

  /** Where the database can't be told, this process passes the backup over. */
  async #setAside(backupId: string, digest: string, reason: string): Promise<void> {
    const { pool, settings, emit } = this.#context;
    const ended = Promise.withResolvers<void>();
    const call: Call = { over: false, inDoubt: false, lastError: undefined, ended: ended.promise };
    const timer = setTimeout(() => {
      call.over = true;
      ended.resolve();
    }, settings.maxVerifyMs);
    try {
      const isSame = (backup: StoredBackup): boolean => digestOf(backup, pool) === digest;
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
    for (const [id, { until }] of this.#usable) if (until <= now) this.#usable.delete(id);
    for (const times of [this.#putOffUntil, this.#claimedUntil])
      for (const [id, until] of times) if (until <= now) times.delete(id);
  }
}

const isPending = (times: ReadonlyMap<string, number>, backupId: string): boolean =>
  (times.get(backupId) ?? 0) > performance.now();

/** @throws whatever `verify` throws, and an Error where it takes too long or returns no verdict */
async function ask(verify: VerifyBackup<StoredId>, backup: StoredBackup, maxVerifyMs: number): Promise<BackupVerdict> {
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
function digestOf(backup: StoredBackup, pool: Pool): string {
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
