import {
  storedIncarnationOf,
  keysOf,
  MAX_PREDECESSORS,
  type Predecessor,
  type StoredBackup,
  type StoredKey,
} from '../../documents.ts';
import { BSON_TYPE_OF, type StoredId } from '../../ids.ts';
import { idKindOf, newKeyOf, setAsideFieldsOf, type AnyPool } from '../../pool.ts';
import { ownIdsOf } from '../own-ids.ts';
import type { Replacement } from '../replacement.ts';
import type { Transaction } from '../transaction.ts';

/**
 * Makes the claimed backups live keys. A kept key with the same id is overwritten: it is the earlier incarnation of a backup that
 * was live, replaced and restored. A live key with the same id is not: the filter does not match it, the upsert tries to insert,
 * and the duplicate key undoes the rotation. For a free backup that is a live key is damage.
 *
 * @returns how many keys were installed.
 */
export async function installKeys(
  transaction: Transaction,
  replacements: readonly Replacement[],
  backups: ReadonlyMap<string, StoredBackup>,
): Promise<number> {
  const { db, pool, session } = transaction;
  const { stored } = ownIdsOf(transaction);
  const result = await keysOf(db, pool).bulkWrite(
    replacements.map((replacement) => ({
      replaceOne: {
        filter: { _id: stored(replacement.backupId), replacedBy: { $type: BSON_TYPE_OF[idKindOf(pool)] } },
        replacement: toNewKey(replacement, backups.get(replacement.backupId), pool),
        upsert: true,
      },
    })),
    { session },
  );
  return result.upsertedCount + result.matchedCount;
}

/**
 * A new key has the values of the pool's `newKey`. It takes over fields of the backup that this package doesn't know, but not the
 * marks of an earlier incarnation, which a backup has if an operator made it out of a kept key: a key with `replacedBy` would
 * never be live. Nor does it take over what is left of a time when the backup was set aside.
 */
function toNewKey(
  replacement: Replacement,
  backup: (StoredBackup & Partial<StoredKey>) | undefined,
  pool: AnyPool,
): Omit<StoredKey, '_id'> {
  const { replacedKeyField } = pool;
  if (backup === undefined) throw new TypeError('a claimed backup was not read');
  const { _id, isUsed, activated, usedAt, usedFor, usedForIncarnation, usedIn, rotationId, brakeSequence, ...own } =
    backup;
  const { at, reason } = setAsideFieldsOf(pool);
  const { replacedBy, replacedAt, bindingSequence, ...unmarked } = own;
  const kept = Object.fromEntries(
    Object.entries(unmarked).filter(([name]) => name !== at && name !== reason),
  ) as typeof unmarked;
  return {
    ...kept,
    ...newKeyOf(pool),
    ...(replacedKeyField === undefined ? {} : { [replacedKeyField]: replacement.failedKey._id }),
    createdAt: new Date(),
    incarnation: replacement.rotation.rotationId,
    predecessors: predecessorsOf(replacement),
  };
}

const predecessorsOf = ({ failedKey, rotation: { rotationId } }: Replacement): Predecessor<StoredId>[] =>
  [
    ...(failedKey.predecessors ?? []),
    { keyId: failedKey._id, incarnation: storedIncarnationOf(failedKey), rotationId },
  ].slice(-MAX_PREDECESSORS);
