import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Binary } from 'mongodb';
import type { StoredBackup } from '../documents.ts';
import type { StoredId } from '../ids.ts';
import { BACKUP_FIELDS, setAsideFieldsOf, type AnyPool } from '../pool.ts';
import { Slots } from '../queue/slots.ts';
import type { Rotation } from '../rotation.ts';
import { secretsOf } from '../secret-texts.ts';
import { isPlainObject } from '../type-tag.ts';
import { cleanText } from '../upstream/redact.ts';
import type { BackupVerdict, VerifyBackup } from '../verify.ts';
import { beginCall, type RotatorContext } from './context.ts';
import { retryTransaction } from './retry-transaction.ts';
import { setAside } from './set-aside.ts';
import type { PassedOver } from './unusable-backup.ts';
import type { VerifiedBackups } from './verified-backups.ts';

/** How a round of verifications ended. `error`: why none of them gave a verdict. */
export type Verified = { readonly kind: 'goes-on' } | { readonly kind: 'no-verdict'; readonly error: string };

/** At most this many calls of `verify` are open at once; further ones wait for their turn. */
const MAX_UNDER_WAY = 32;

/**
 * After an attempt without a verdict, or without an effect, others are tried for this long; where there are none, the upstream is left
 * alone.
 */
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
  /** When one that was put off can be tried again, by `performance.now()`; Infinity: none was. */
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
  readonly #slots = new Slots(MAX_UNDER_WAY);
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

  /** The backup is not the one that was verified any more. A service may change it all the time. */
  noteChange(backupId: string): void {
    this.#usable.delete(backupId);
    this.#putOff(backupId);
  }

  #putOff(backupId: string): void {
    this.#putOffUntil.set(backupId, performance.now() + PUT_OFF_MS);
  }

  /** The backup was claimed. */
  noteClaim(backupId: string): void {
    this.#usable.delete(backupId);
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
    this.#wanted.set(rotation, { candidates, notBefore: Math.min(...putOff) });
  }

  isWantedBy(rotations: readonly Rotation[]): boolean {
    return rotations.some((rotation) => this.#wanted.has(rotation));
  }

  /**
   * Verifies what these rotations want. Never rejects.
   *
   * @param isAwaited false once nobody waits for a rotation any more: what has not begun for it then does not
   */
  async verifyWanted(rotations: readonly Rotation[], isAwaited: (rotation: Rotation) => boolean): Promise<Verified> {
    const wanted = new Map<string, { readonly backup: StoredBackup; readonly rotation: Rotation }>();
    let notBefore = Infinity;
    for (const rotation of rotations) {
      const each = this.#wanted.get(rotation);
      this.#wanted.delete(rotation);
      for (const [id, backup] of each?.candidates ?? []) wanted.set(id, { backup, rotation });
      notBefore = Math.min(notBefore, each?.notBefore ?? Infinity);
    }
    // Before one of them can be tried again, a transaction would only look, and a deadline in its midst would be a doubt.
    if (wanted.size === 0) return this.#waitForOthers(notBefore);
    const errors = await Promise.all(
      [...wanted].map(([id, { backup, rotation }]) => this.#share(id, backup, rotation, () => isAwaited(rotation))),
    );
    const [error] = errors;
    return error === undefined || errors.includes(undefined) ? { kind: 'goes-on' } : { kind: 'no-verdict', error };
  }

  /** Where there is none to verify: waits until another verification is over, or until one that was put off can be tried again. */
  async #waitForOthers(notBefore: number): Promise<Verified> {
    const events: Promise<unknown>[] = [...this.#underWay.values()];
    if (notBefore !== Infinity)
      events.push(sleep(Math.max(0, notBefore - performance.now()), undefined, { ref: false }));
    if (events.length === 0) return { kind: 'no-verdict', error: 'each free backup was taken a moment ago' };
    await Promise.race(events);
    return { kind: 'goes-on' };
  }

  /** @returns why there was no verdict, if there was none. */
  #share(
    backupId: string,
    backup: StoredBackup,
    rotation: Rotation,
    isAwaited: () => boolean,
  ): Promise<string | undefined> {
    const known = this.#underWay.get(backupId);
    if (known !== undefined) return known;
    // Another rotation read it before, and was answered meanwhile.
    if (this.#find(backupId)?.digest === digestOf(backup, this.#context.pool)) return Promise.resolve(undefined);
    const begun = this.#verifyOne(backupId, backup, rotation, isAwaited).finally(() => this.#underWay.delete(backupId));
    this.#underWay.set(backupId, begun);
    return begun;
  }

  async #verifyOne(
    backupId: string,
    backup: StoredBackup,
    holder: Rotation,
    isAwaited: () => boolean,
  ): Promise<string | undefined> {
    const { pool, settings, emit } = this.#context;
    // Before verify has the document, which it may change: some decrypt the credential in place.
    const secrets = secretsOf(pool, backupId, { ...backup });
    const digest = digestOf(backup, pool);
    const clean = (text: string): string => cleanText(text, secrets);
    this.#dropOld();
    try {
      const verdict = await this.#slots.run(async () =>
        isAwaited() ? ask(this.#verify, backup, settings.maxVerifyMs) : undefined,
      );
      if (verdict === undefined) return 'nobody waits for it any more';
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
      this.#putOff(backupId);
      const text = clean(error instanceof Error ? `${error.name}: ${error.message}` : String(error));
      emit({ type: 'backup-unverified', pool: pool.name, backupId, error: text });
      return text;
    }
  }

  /** Where the database can't be told, this process passes the backup over. */
  async #setAside(backupId: string, digest: string, reason: string): Promise<void> {
    const { pool, settings, emit } = this.#context;
    const { call, end: endCall } = beginCall();
    const timer = setTimeout(endCall, settings.maxVerifyMs);
    try {
      const isSame = (backup: StoredBackup): boolean => digestOf(backup, pool) === digest;
      const end = await retryTransaction({ ...this.#context, call }, (transaction) =>
        setAside(transaction, backupId, isSame, reason),
      );
      if (end === 'marked') emit({ type: 'backup-set-aside', pool: pool.name, backupId, reason });
      else if (end === 'changed') this.#putOff(backupId);
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
    const asked = (async () => verify({ ...backup }, { signal: ended.signal }))();
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

/** Fields that a use, a restoration or the brake writes to a backup, as paths. They are no part of what was verified. */
function marksOf(pool: AnyPool): readonly string[] {
  const { at, reason } = setAsideFieldsOf(pool);
  const marks = BACKUP_FIELDS.filter((name) => name !== '_id' && name !== 'apiKey');
  return [...marks, 'activated', at, reason, ...Object.keys({ ...pool.usedBackup, ...pool.restoredBackup })];
}

/**
 * A digest of the texts and bytes of a backup. Wherever a pool keeps its credentials, they are among these; and they are the same in a document
 * that was read for a service and in one that was read with its BSON types.
 */
function digestOf(backup: StoredBackup, pool: AnyPool): string {
  return createHash('sha256')
    .update(JSON.stringify([...partsOf('', backup, marksOf(pool))]))
    .digest('base64');
}

/** Where the texts and bytes of a value are, and what they are. A field without any is no part: an update may create its document. */
function* partsOf(path: string, value: unknown, marks: readonly string[]): Generator<readonly [string, string]> {
  if (marks.includes(path)) return;
  const part = textOf(value);
  if (part !== undefined) yield [path, part];
  else if (Array.isArray(value) || isDocument(value))
    for (const [name, each] of Object.entries(value))
      yield* partsOf(path === '' ? name : `${path}.${name}`, each, marks);
}

/** The class of an old kind of texts is read as a string, unless the types are asked for. */
function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  const type = typeof value === 'object' && value !== null && '_bsontype' in value ? value._bsontype : undefined;
  if (type === 'Binary') return (value as Binary).toString('base64');
  return type === 'BSONSymbol' ? String(value) : undefined;
}

/** A date, a regular expression and the values of BSON's classes are read in other forms by other clients. */
const isDocument = (value: unknown): value is Readonly<Record<string, unknown>> =>
  isPlainObject(value) && !('_bsontype' in value);
