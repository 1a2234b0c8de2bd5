import { createHash } from 'node:crypto';
import type { FailureRules, RotationReason } from './failures.ts';
import type { IdKind } from './ids.ts';

/*
 * Words, the same in code, events, reports and docs:
 *
 *   key          a live credential document
 *   backup       a spare credential; becomes a key with the same `_id`
 *   binding      says that a proxy uses a key
 *   pool         keys + backups + bindings of one service: three collections and a few rules
 *   claim        taking a backup for one failed key
 *   rotation     the whole change for one failed key; has a `rotationId`
 *   caller       one call of `rotate`; many callers, one rotation
 *   replacement  the key that took the failed key's place
 *   successor    the live key at the end of the chain of replacements
 *   incarnation  a key id from its insertion to its retirement; the same id may be inserted again, as a new incarnation
 */

/** The statuses that services give to a key: the usual ones, or any of their own. */
export type KeyStatus =
  'healthy' | 'rate_limited' | 'exhausted' | 'error' | 'need_refresh' | (string & Record<never, never>);

/** What a rotation does with the failed key. */
export type Retirement =
  /**
   * The key is deleted. If `archive` names a collection, a copy of the key is put there first; it overwrites the copy of an
   * earlier incarnation. An archive of records gets a new document each time.
   */
  | { readonly kind: 'delete'; readonly archive?: string | RecordArchive }
  /** The key is kept for review, with the status for the reason, with `replacedBy`, and without bindings. */
  | { readonly kind: 'keep'; readonly status: Readonly<Record<RotationReason, KeyStatus>> };

/**
 * An archive that several collections share. Each retirement adds `{ sourceCollection, sourceId, reason, deletedBy, deletedAt, document,
 * metadata: { replacementKeyId, rotationId } }`, where `document` is the key as it was.
 */
export interface RecordArchive {
  readonly collection: string;
  /** Who archives, such as the name of the service. */
  readonly deletedBy: string;
}

/** At most `maxRotations` rotations of the pool within `perMs` milliseconds. */
export interface Brake {
  /** From 1 to 1,000. */
  readonly maxRotations: number;
  /** From 1,000 up. */
  readonly perMs: number;
}

const DEFAULT_BRAKE: Brake = { maxRotations: 100, perMs: 60_000 };

export const brakeOf = ({ brake = DEFAULT_BRAKE }: AnyPool): Brake | false => brake;

export const idKindOf = ({ idKind = 'string' }: AnyPool): IdKind => idKind;

const SHOWN_DIGITS = 12;

/** An id as events and errors name it. */
export const shownId = ({ secretIds = false }: AnyPool, id: string): string =>
  secretIds ? createHash('sha256').update(id).digest('hex').slice(0, SHOWN_DIGITS) : id;

const DEFAULT_MAX_OLDER_FLOW_MS = 5_000;

export const maxOlderFlowMsOf = ({ maxOlderFlowMs = DEFAULT_MAX_OLDER_FLOW_MS }: AnyPool): number => maxOlderFlowMs;

/** Fields of a backup that was set aside. Plain names of the pool's own. */
export interface SetAsideFields {
  /** Gets the server's time. A backup in which the field has a value is passed over by all processes. */
  readonly at: string;
  /** Gets the reason that `verify` gave. */
  readonly reason: string;
}

const DEFAULT_SET_ASIDE: SetAsideFields = { at: 'setAsideAt', reason: 'setAsideReason' };

export const setAsideFieldsOf = ({ setAsideFields = DEFAULT_SET_ASIDE }: AnyPool): SetAsideFields => setAsideFields;

/** Matches the backups that the pool may claim. In a filter, null matches a missing field too. */
export const freeFilterOf = (pool: AnyPool): Readonly<Record<string, unknown>> => ({
  ...pool.eligible,
  isUsed: false,
  [setAsideFieldsOf(pool).at]: null,
});

/** Values of fields, as they are written. */
export type FieldValues = Readonly<Record<string, string | number | boolean | null>>;

/** Of a new key, where the pool names no other values. */
const HEALTHY: FieldValues = { status: 'healthy', tokensUsed: 0, requestsCount: 0 };

export const newKeyOf = ({ newKey = HEALTHY }: AnyPool): FieldValues => newKey;

/**
 * The pool of one service, as plain data. To change a part, spread it: `definePool({ ...keypool, collections: { ... } })`. `Kind` is what `idKind`
 * says, so that `createRotator` knows the type of the ids.
 */
export interface Pool<Kind extends IdKind = 'string'> {
  /** Appears in events and in error messages. */
  readonly name: string;
  /** Names of the pool's collections. */
  readonly collections: { readonly keys: string; readonly backups: string; readonly bindings: string };
  /** The kind of the ids of keys and backups, wherever they stand: also in bindings and claims. Default: `string`. */
  readonly idKind?: Kind;
  /**
   * True where the id of a key is its secret. Events and errors then name an id by the first 12 hex digits of its SHA-256, and only answers have
   * it. Default: false.
   */
  readonly secretIds?: boolean;
  /** The field of a binding that holds the key's `_id`. */
  readonly bindingKeyField: string;
  /**
   * Fields, by plain names, that tell the pool's bindings from those of another pool in the same collection: only bindings with these values are moved, and
   * `bind` writes them. Needed where two pools share their bindings and could have keys of the same id. Default: none; all bindings are meant.
   */
  readonly ownBindings?: FieldValues;
  /** Fields of a binding that get the server's time when the binding is moved, such as `updatedAt`. Default: none. */
  readonly movedBindingFields?: readonly string[];
  /** Fields of a new key, by plain names, and their values. Default: `{ status: 'healthy', tokensUsed: 0, requestsCount: 0 }`. */
  readonly newKey?: FieldValues;
  /** The field of a new key that gets the id of the failed key. Default: none. */
  readonly replacedKeyField?: string;
  /** More fields of a backup that was used; a path such as `meta.state` names a nested one. Default: none. */
  readonly usedBackup?: FieldValues;
  /** Fields of a backup that was restored, as in `usedBackup`. Default: the marks of its use are removed. */
  readonly restoredBackup?: FieldValues;
  /** Which backups may be claimed, besides that they are free: a filter of MongoDB. Default: all. */
  readonly eligible?: Readonly<Record<string, unknown>>;
  /**
   * Which of the eligible backups are claimed first: fields with 1 (ascending) or -1. Rotations at the same moment choose at random among the
   * first few, four for each of them, so that they don't all want the same backup. Default: any backup.
   */
  readonly order?: Readonly<Record<string, 1 | -1>>;
  /** Where it is noted that a backup was set aside, and why. Default: `{ at: 'setAsideAt', reason: 'setAsideReason' }`. */
  readonly setAsideFields?: SetAsideFields;
  /** What a rotation does with the failed key. */
  readonly retirement: Retirement;
  /**
   * Statuses under which an older flow kept replaced keys, without `replacedBy`. A key with such a status counts as replaced if
   * nothing is bound to it and a backup that was used for it is live, or has a live successor. Default: none.
   */
  readonly keptStatuses?: readonly KeyStatus[];
  /**
   * How long, in milliseconds from its claim, a flow without rotationIds is waited for, which may run beside this package while it is rolled out. 0:
   * there is none, which saves a command for each rotation. Default: 5,000.
   */
  readonly maxOlderFlowMs?: number;
  /**
   * At most so many rotations in so much time, counted in the database. `false`: no bound. Default: 100 in 60,000 ms. Where the upstream is
   * down, every replacement fails as well, and the stock would be gone in seconds.
   */
  readonly brake?: Brake | false;
  /** What the answers of the upstream mean, and what `handleFailure` writes. */
  readonly failures: FailureRules;
}

/** A pool with ids of any kind. */
export type AnyPool = Pool<IdKind>;

/** Fields of a backup by which rotations find and claim it, and those that a claim writes. */
export const BACKUP_FIELDS: readonly string[] = [
  '_id',
  'apiKey',
  'isUsed',
  'usedFor',
  'usedForIncarnation',
  'usedIn',
  'usedAt',
  'rotationId',
  'brakeSequence',
];

/** The collection for copies of deleted keys; undefined where the pool has none. */
export function archiveOf({ retirement }: AnyPool): string | undefined {
  const archive = retirement.kind === 'delete' ? retirement.archive : undefined;
  return typeof archive === 'object' ? archive.collection : archive;
}
