import { RotationError } from './errors.ts';
import { checkFailureRules, type FailureRules, type RotationReason } from './failures.ts';

/*
 * Words, the same in code, events, reports and docs:
 *
 *   key          a live credential document; `_id` is a string
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
   * earlier incarnation.
   */
  | { readonly kind: 'delete'; readonly archive?: string }
  /** The key is kept for review, with the status for the reason, with `replacedBy`, and without bindings. */
  | { readonly kind: 'keep'; readonly status: Readonly<Record<RotationReason, KeyStatus>> };

/** The pool of one service, as plain data. To change a part, spread it: `definePool({ ...keypool, collections: { ... } })`. */
export interface Pool {
  /** Appears in events and in error messages. */
  readonly name: string;
  /** Names of the pool's collections. */
  readonly collections: { readonly keys: string; readonly backups: string; readonly bindings: string };
  /** The field of a binding that holds the key's `_id`. */
  readonly bindingKeyField: string;
  /**
   * Fields that a service sets on a binding when it moves it, such as `updatedAt`. The rotations of this package leave them as they
   * are; a test of another service's flow does not hold a change of them against it. Default: none.
   */
  readonly movedBindingFields?: readonly string[];
  /** What a rotation does with the failed key. */
  readonly retirement: Retirement;
  /**
   * Statuses under which an older flow kept replaced keys, without `replacedBy`. A key with such a status counts as replaced if
   * nothing is bound to it and a backup that was used for it is live, or has a live successor. Default: none.
   */
  readonly keptStatuses?: readonly KeyStatus[];
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
  const names = {
    name: pool.name,
    'collections.keys': keys,
    'collections.backups': backups,
    'collections.bindings': bindings,
    bindingKeyField: pool.bindingKeyField,
    ...(archive === undefined ? {} : { 'retirement.archive': archive }),
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
  const collections = [keys, backups, bindings, ...(archive === undefined ? [] : [archive])];
  if (new Set(collections).size !== collections.length)
    throw new RotationError('invalid-argument', `Pool ${pool.name}: keys, backups, bindings and archive must differ`);
  checkFailureRules(pool.failures);
  return Object.freeze({ ...pool, collections: Object.freeze({ ...pool.collections }) });
}

/** The collection for copies of deleted keys; undefined where the pool has none. */
export const archiveOf = ({ retirement }: Pool): string | undefined =>
  retirement.kind === 'delete' ? retirement.archive : undefined;
