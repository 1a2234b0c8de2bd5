import { createHash } from 'node:crypto';
import { RotationError } from './errors.ts';
import { BSON_TYPE_OF, type IdKind } from './ids.ts';
import { KEY_FIELDS, checkFailureRules, type FailureRules, type RotationReason } from './failures.ts';

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

/** The statuses that services give to a key. */
export type KeyStatus = 'healthy' | 'rate_limited' | 'exhausted' | 'error' | 'need_refresh';

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

export const brakeOf = ({ brake = DEFAULT_BRAKE }: Pool): Brake | false => brake;

export const idKindOf = ({ idKind = 'string' }: Pool): IdKind => idKind;

const SHOWN_DIGITS = 12;

/** An id as events and errors name it. */
export const shownId = ({ secretIds = false }: Pool, id: string): string =>
  secretIds ? createHash('sha256').update(id).digest('hex').slice(0, SHOWN_DIGITS) : id;

/** What a text about a key or backup must not repeat. */
export const secretsOf = ({ secretIds = false }: Pool, id: string, apiKey: unknown): readonly string[] => [
  ...(typeof apiKey === 'string' ? [apiKey] : []),
  ...(secretIds ? [id] : []),
];

const DEFAULT_MAX_OLDER_FLOW_MS = 5_000;

export const maxOlderFlowMsOf = ({ maxOlderFlowMs = DEFAULT_MAX_OLDER_FLOW_MS }: Pool): number => maxOlderFlowMs;

/** Fields of a backup that was set aside. Plain names of the pool's own. */
export interface SetAsideFields {
  /** Gets the server's time. A backup in which the field has a value is passed over by all processes. */
  readonly at: string;
  /** Gets the reason that `verify` gave. */
  readonly reason: string;
}

const DEFAULT_SET_ASIDE: SetAsideFields = { at: 'setAsideAt', reason: 'setAsideReason' };

export const setAsideFieldsOf = ({ setAsideFields = DEFAULT_SET_ASIDE }: Pool): SetAsideFields => setAsideFields;

/** Matches the backups that the pool may claim. In a filter, null matches a missing field too. */
export const freeFilterOf = (pool: Pool): Readonly<Record<string, unknown>> => ({
  ...pool.eligible,
  isUsed: false,
  [setAsideFieldsOf(pool).at]: null,
});

/** Values of fields, as they are written. */
export type FieldValues = Readonly<Record<string, string | number | boolean | null>>;

/** The pool of one service, as plain data. To change a part, spread it: `definePool({ ...keypool, collections: { ... } })`. */
export interface Pool {
  /** Appears in events and in error messages. */
  readonly name: string;
  /** Names of the pool's collections. */
  readonly collections: { readonly keys: string; readonly backups: string; readonly bindings: string };
  /** The kind of the ids of keys and backups, wherever they stand: also in bindings and claims. Default: `string`. */
  readonly idKind?: IdKind;
  /**
   * True where the id of a key is its secret. Events and errors then name an id by the first 12 hex digits of its SHA-256, and only answers have
   * it. Default: false.
   */
  readonly secretIds?: boolean;
  /** The field of a binding that holds the key's `_id`. */
  readonly bindingKeyField: string;
  /**
   * Fields that tell the pool's bindings from those of another pool in the same collection: only bindings with these values are moved, and
   * `bind` writes them. Needed where two pools share their bindings and could have keys of the same id. Default: none; all bindings are meant.
   */
  readonly ownBindings?: FieldValues;
  /** Fields of a binding that get the server's time when the binding is moved, such as `updatedAt`. Default: none. */
  readonly movedBindingFields?: readonly string[];
  /** Fields of a new key, and their values. Default: `{ status: 'healthy', tokensUsed: 0, requestsCount: 0 }`. */
  readonly newKey?: FieldValues;
  /** The field of a new key that gets the id of the failed key. Default: none. */
  readonly replacedKeyField?: string;
  /** More fields of a backup that was used. Default: none. */
  readonly usedBackup?: FieldValues;
  /** Fields of a backup that was restored. Default: the marks of its use are removed. */
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

/**
 * Checks a pool and returns a frozen copy.
 *
 * @throws RotationError `invalid-argument` that names the field: a name is empty, two collections are the same, or
 * `bindingKeyField` is not a plain field name, or `failures` has a rule that can't be meant so.
 */
export function definePool(pool: Pool): Pool {
  const { keys, backups, bindings } = pool.collections;
  const archive = archiveOf(pool);
  const recorded = pool.retirement.kind === 'delete' ? pool.retirement.archive : undefined;
  const names = {
    name: pool.name,
    'collections.keys': keys,
    'collections.backups': backups,
    'collections.bindings': bindings,
    bindingKeyField: pool.bindingKeyField,
    ...(archive === undefined ? {} : { 'retirement.archive': archive }),
    ...(typeof recorded === 'object' ? { 'retirement.archive.deletedBy': recorded.deletedBy } : {}),
  };
  for (const [field, value] of Object.entries(names)) {
    if (typeof value !== 'string' || value === '')
      throw new RotationError('invalid-argument', `Pool ${field}: expected a non-empty string`);
  }
  if (pool.bindingKeyField === '_id' || /[.$]/.test(pool.bindingKeyField))
    throw new RotationError(
      'invalid-argument',
      `Pool bindingKeyField: expected a field name other than _id, without "." and "$"`,
    );
  expectOwnFields(pool);
  expectSetAsideFields(pool);
  expectBrake(pool);
  expectMaxOlderFlowMs(pool);
  expectIdKind(pool);
  const collections = [keys, backups, bindings, ...(archive === undefined ? [] : [archive])];
  if (new Set(collections).size !== collections.length)
    throw new RotationError('invalid-argument', `Pool ${pool.name}: keys, backups, bindings and archive must differ`);
  checkFailureRules(pool.failures);
  return Object.freeze({ ...pool, collections: Object.freeze({ ...pool.collections }) });
}

function expectMaxOlderFlowMs(pool: Pool): void {
  const maxMs = maxOlderFlowMsOf(pool);
  if (!Number.isSafeInteger(maxMs) || maxMs < 0)
    throw new RotationError('invalid-argument', 'Pool maxOlderFlowMs: expected a whole number from 0 up');
}

function expectIdKind(pool: Pool): void {
  const kind: string = idKindOf(pool);
  if (!Object.hasOwn(BSON_TYPE_OF, kind))
    throw new RotationError(
      'invalid-argument',
      `Pool idKind: expected ${Object.keys(BSON_TYPE_OF).join(', ')}, got ${kind}`,
    );
}

function expectBrake(pool: Pool): void {
  const brake = brakeOf(pool);
  if (brake === false) return;
  const { maxRotations, perMs } = brake;
  if (!Number.isSafeInteger(maxRotations) || maxRotations < 1 || maxRotations > 1_000)
    throw new RotationError('invalid-argument', 'Pool brake.maxRotations: expected a whole number from 1 to 1,000');
  if (!Number.isSafeInteger(perMs) || perMs < 1_000)
    throw new RotationError('invalid-argument', 'Pool brake.perMs: expected a whole number from 1,000 up');
}

/** Fields of a backup by which rotations find and claim it, and those that a claim writes. */
const BACKUP_FIELDS: readonly string[] = [
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

/** Fields that a rotation reads again, by the option that must not write them. */
const RESERVED = {
  newKey: KEY_FIELDS,
  usedBackup: ['_id', 'apiKey', 'isUsed', 'usedFor', 'usedForIncarnation', 'usedIn', 'usedAt', 'rotationId'],
  restoredBackup: ['_id', 'apiKey', 'isUsed', 'usedForIncarnation', 'usedIn', 'rotationId'],
  eligible: ['_id', 'isUsed'],
  order: ['_id', 'isUsed'],
} as const;

function expectOwnFields(pool: Pool): void {
  for (const [option, reserved] of Object.entries(RESERVED) as [keyof typeof RESERVED, readonly string[]][]) {
    const taken = Object.keys(pool[option] ?? {}).find((name) => reserved.includes(name));
    if (taken !== undefined)
      throw new RotationError(
        'invalid-argument',
        `Pool ${option}: ${taken} is a field that rotations need; leave it out`,
      );
  }
  if (Object.hasOwn(pool.ownBindings ?? {}, pool.bindingKeyField))
    throw new RotationError(
      'invalid-argument',
      'Pool ownBindings: bindingKeyField is written by rotations; leave it out',
    );
  const direction = Object.entries(pool.order ?? {}).find(([, value]) => value !== 1 && value !== -1);
  if (direction !== undefined)
    throw new RotationError('invalid-argument', `Pool order.${direction[0]}: expected 1 or -1`);
  for (const [option, name] of [
    ['replacedKeyField', pool.replacedKeyField],
    ...(pool.movedBindingFields ?? []).map((field) => ['movedBindingFields', field]),
  ])
    if (name !== undefined && !/^[^.$]+$/.test(name))
      throw new RotationError('invalid-argument', `Pool ${option}: expected a field name without "." and "$"`);
}

/** Options of a pool that write fields of a backup, or ask for them, beside the set-aside fields. */
const OTHER_BACKUP_FIELDS = ['usedBackup', 'restoredBackup', 'eligible', 'order'] as const;

function expectSetAsideFields(pool: Pool): void {
  const { at, reason } = setAsideFieldsOf(pool);
  const refuse = (place: string, expected: string): never => {
    throw new RotationError('invalid-argument', `Pool setAsideFields.${place}: expected ${expected}`);
  };
  for (const [place, name] of Object.entries({ at, reason })) {
    if (typeof name !== 'string' || !/^[^.$]+$/.test(name)) refuse(place, 'a field name without "." and "$"');
    if (BACKUP_FIELDS.includes(name)) refuse(place, `a field of its own, and ${name} is one that rotations need`);
    const other = OTHER_BACKUP_FIELDS.find((option) => Object.hasOwn(pool[option] ?? {}, name));
    if (other !== undefined) refuse(place, `a field of its own, and ${name} is in ${other}`);
  }
  if (at === reason) refuse('reason', 'another field than setAsideFields.at');
}

/** The collection for copies of deleted keys; undefined where the pool has none. */
export function archiveOf({ retirement }: Pool): string | undefined {
  const archive = retirement.kind === 'delete' ? retirement.archive : undefined;
  return typeof archive === 'object' ? archive.collection : archive;
}
