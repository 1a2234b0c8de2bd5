import { RotationError } from './rotation-error.ts';
import type { FailureRules } from './classify-failure.ts';

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
 *   incarnation  one life of a key id; an id may come back
 */

/** Why a key is rotated: its quota or bill ended, or the upstream refuses it. */
export type RotationReason = 'exhausted' | 'auth-error';

export type KeyStatus = 'healthy' | 'rate_limited' | 'exhausted' | 'error' | 'need_refresh';

/** What becomes of a failed key. */
export type Retirement =
  /** Deleted; where `archive` names a collection, after a copy was put there (in the place of an earlier life's copy). */
  | { readonly kind: 'delete'; readonly archive?: string }
  /** Kept for review under a status that depends on the reason, marked with `replacedBy`, without bindings. */
  | { readonly kind: 'keep'; readonly status: Readonly<Record<RotationReason, KeyStatus>> };

/** One service's pool as plain data. To override a name, spread it: `definePool({ ...keypool, collections: { ... } })`. */
export interface Pool {
  /** For events and messages. */
  readonly name: string;
  readonly collections: { readonly keys: string; readonly backups: string; readonly bindings: string };
  /** The field of a binding that holds the key's `_id`. */
  readonly bindingKeyField: string;
  readonly retirement: Retirement;
  /**
   * Statuses under which an older flow kept keys that it had already replaced, before rotations left `replacedBy` on them.
   * Such a key counts as replaced when it has no bindings and a backup used for it is a live key. Default: none.
   */
  readonly keptStatuses?: readonly KeyStatus[];
  /** Which upstream answers mean that a key failed. */
  readonly failures: FailureRules;
}

/**
 * Checks a pool and freezes it.
 *
 * @throws RotationError `invalid-argument` that names the field: a name is empty, or two collections are the same.
 */
export function definePool(pool: Pool): Pool {
  const { keys, backups, bindings } = pool.collections;
  const archive = pool.retirement.kind === 'delete' ? pool.retirement.archive : undefined;
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
    throw new RotationError('invalid-argument', `Pool bindingKeyField: expected a plain field name other than _id`);
  const collections = [keys, backups, bindings, ...(archive === undefined ? [] : [archive])];
  if (new Set(collections).size !== collections.length)
    throw new RotationError('invalid-argument', `Pool ${pool.name}: keys, backups, bindings and archive must differ`);
  return Object.freeze({ ...pool, collections: Object.freeze({ ...pool.collections }) });
}
