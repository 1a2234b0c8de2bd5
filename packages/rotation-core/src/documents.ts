import type { Collection, Db } from 'mongodb';
import { RotationError } from './errors.ts';
import type { StoredId } from './ids.ts';
import type { AnyPool, KeyStatus } from './pool.ts';

/** A key. Services write the first six fields; rotations add the others, which old documents lack. `Id` is what the pool's `idKind` says. */
export interface KeyDocument<Id = string> {
  _id: Id;
  apiKey: string;
  status?: KeyStatus;
  tokensUsed?: number;
  requestsCount?: number;
  createdAt?: Date;
  // Rotations add:
  /** The `rotationId` of the rotation that installed this key. */
  incarnation?: string | null;
  /**
   * The incarnations that this key has replaced, one after the other, the latest last; at most {@link MAX_PREDECESSORS}. From these, late
   * callers are answered when the used backups have been deleted.
   */
  predecessors?: readonly Predecessor<Id>[];
  /** A counter that is increased to lock the key: by `bind`, `sweep` and `restoreBackup`, and by a rotation after a conflict. */
  bindingSequence?: number;
  /** On a kept key: the id of the backup that took its place. A key with `replacedBy` is not live. */
  replacedBy?: Id | null;
  /** On a kept key: the rotation that replaced it. */
  rotationId?: string;
  /** On a kept key: when it was replaced, by the server's clock. */
  replacedAt?: Date;
}

/** An incarnation that was replaced. */
export interface Predecessor<Id = string> {
  readonly keyId: Id;
  readonly incarnation: string;
  /** The rotation that replaced it. */
  readonly rotationId: string;
}

/** Of a longer chain of replacements, the earliest are dropped: callers of those are answered only while the used backups are there. */
export const MAX_PREDECESSORS = 50;

/** A backup. Those that an older flow claimed lack `usedForIncarnation` and `rotationId`. */
export interface BackupDocument<Id = string> {
  _id: Id;
  apiKey: string;
  /** Only a backup with `isUsed: false` is free. */
  isUsed?: boolean;
  activated?: boolean;
  /** When the backup was claimed, by the server's clock. */
  usedAt?: Date | null;
  /** The id of the failed key. */
  usedFor?: Id | null;
  createdAt?: Date;
  // Rotations add:
  /** The incarnation of the failed key; see `incarnationOf`. */
  usedForIncarnation?: string;
  /** The rotation that claimed the backup. */
  rotationId?: string;
  /** The collection of the key that it was claimed for, because pools can share their backups. */
  usedIn?: string | null;
  /** A counter that rotations increase near the bound of the pool's brake. */
  brakeSequence?: number;
}

/** A binding. The key's id is in the field that the pool's `bindingKeyField` names. `ProxyId`: the type of the proxies' ids, which may be of any kind. */
export interface BindingDocument<ProxyId = string> {
  proxyId: ProxyId;
  priority?: number;
  isActive?: boolean;
  createdAt?: Date;
  [field: string]: unknown;
}

/** A key as the database has it. */
export type StoredKey = KeyDocument<StoredId>;

/** A backup as the database has it. */
export type StoredBackup = BackupDocument<StoredId>;

export const keysOf = (db: Db, pool: AnyPool): Collection<StoredKey> => db.collection(pool.collections.keys);
export const backupsOf = (db: Db, pool: AnyPool): Collection<StoredBackup> => db.collection(pool.collections.backups);
export const bindingsOf = (db: Db, pool: AnyPool): Collection<BindingDocument> =>
  db.collection(pool.collections.bindings);

/** Options of commands that compare ids as they are, also in a collection whose collation takes other texts for equal. */
export const EXACT = { locale: 'simple' } as const;

/** False for a missing key, and for a replaced key that was kept for review. */
export const isLive = (key: { readonly replacedBy?: unknown } | undefined): boolean =>
  key !== undefined && (key.replacedBy === undefined || key.replacedBy === null);

/** When the key's incarnation began, as far as that can be true: a service's clock may have been ahead. */
export const beganAt = ({ createdAt }: Pick<KeyDocument, 'createdAt'>): Date | undefined =>
  createdAt instanceof Date && createdAt.getTime() <= Date.now() ? createdAt : undefined;

/** What names the incarnation of a key. `createdAt` may be a time in any form: a Date, a text of one (from JSON), or milliseconds. */
export interface IncarnationFields {
  readonly incarnation?: string | null | undefined;
  readonly createdAt?: unknown;
}

/**
 * Names the incarnation of a key. Pass it to `rotate` together with the key's id: if the id was inserted again after the key failed, the
 * new key is left alone.
 *
 * A document without `incarnation` is identified by `created ` and its `createdAt`.
 *
 * @param key the document as the database has it. Read by a projection or a schema without `incarnation`, it names another incarnation,
 *   and `rotate` answers `other-incarnation`
 * @throws RotationError `invalid-argument` if the document has neither field. Call `rotate` without an incarnation then
 */
export function incarnationOf(key: IncarnationFields): string {
  const incarnation = namedIncarnation(key);
  if (incarnation !== undefined) return incarnation;
  throw new RotationError(
    'invalid-argument',
    'The key document has neither incarnation nor createdAt: read it with both fields, or call rotate without an incarnation',
  );
}

/** The incarnation of a key that was read whole. Old keys may have neither field. */
export const storedIncarnationOf = (key: IncarnationFields): string => namedIncarnation(key) ?? 'unknown';

/** Services may have written something else into the field. */
export const isIncarnation = (value: unknown): value is string => typeof value === 'string' && value !== '';

function namedIncarnation({ incarnation, createdAt }: IncarnationFields): string | undefined {
  if (isIncarnation(incarnation)) return incarnation;
  const time = timeOf(createdAt);
  return time === undefined ? undefined : `created ${time.toISOString()}`;
}

/** The one reading of a service's times; undefined where the value is none. A text without a zone has this process's. */
export function timeOf(value: unknown): Date | undefined {
  if (value === undefined || value === null) return undefined;
  // BSON's classes of numbers turn into numbers.
  const time = value instanceof Date ? value : new Date(typeof value === 'string' ? value : Number(value));
  return Number.isNaN(time.getTime()) ? undefined : time;
}
