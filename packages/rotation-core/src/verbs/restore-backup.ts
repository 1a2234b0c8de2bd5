import type { Document } from 'mongodb';
import { backupsOf, isLive, type StoredKey } from '../documents.ts';
import type { CallContext } from '../flow/context.ts';
import { retryTransaction } from '../flow/retry-transaction.ts';
import { requireKeyId } from '../ids.ts';
import { ownIdsOf } from '../flow/own-ids.ts';
import { idKindOf, setAsideFieldsOf } from '../pool.ts';

/** The answer of `restoreBackup`. */
export type RestoreOutcome =
  | { readonly kind: 'restored' | 'already-free' | 'not-found' }
  /** The backup is a live key. It was left alone: a free backup could be claimed a second time. */
  | { readonly kind: 'live-key' };

const MARKS_OF_USE = ['usedAt', 'usedFor', 'usedForIncarnation', 'usedIn', 'rotationId', 'brakeSequence'];

/**
 * Makes a backup that was used or set aside free again, unless it is a live key. The update removes all marks of the use: a restored backup that kept
 * `usedFor` would count as evidence, and callers of the old key would be sent to it.
 *
 * The backup can't become live between the check and the update: a rotation that installs it conflicts with the update, and an operator who makes a kept key live
 * again conflicts with the write to that key.
 *
 * @throws RotationError
 */
export async function restoreBackup(context: CallContext, backup: unknown): Promise<RestoreOutcome> {
  const backupId = requireKeyId('backupId', idKindOf(context.pool), backup);
  const restored = context.pool.restoredBackup ?? {};
  const setAside = setAsideFieldsOf(context.pool);
  const marks = [...MARKS_OF_USE, setAside.at, setAside.reason].filter((name) => !Object.hasOwn(restored, name));
  return retryTransaction(context, async (transaction): Promise<RestoreOutcome> => {
    const { db, pool, session } = transaction;
    const { stored, text } = ownIdsOf(transaction);
    const _id = stored(backupId);
    const found = await backupsOf(db, pool).findOne(
      { _id },
      { session, projection: { isUsed: 1, usedIn: 1, [setAside.at]: 1 } },
    );
    // In a collection with a collation, another text may count as equal.
    const isSame = (document: { readonly _id: unknown } | null): boolean => text(document?._id) === backupId;
    if (found === null || !isSame(found)) return { kind: 'not-found' };
    const isSetAside = ((found as Document)[setAside.at] ?? null) !== null;
    if (found.isUsed === false && !isSetAside) return { kind: 'already-free' };
    // Another pool may have taken it, if the pools share their backups.
    const keys = db.collection<StoredKey>(found.usedIn ?? pool.collections.keys);
    const key = await keys.findOne({ _id }, { session, projection: { replacedBy: 1 } });
    if (isSame(key) && isLive(key ?? undefined)) return { kind: 'live-key' };
    if (isSame(key)) await keys.updateOne({ _id }, { $inc: { bindingSequence: 1 } }, { session });
    await backupsOf(db, pool).updateOne(
      { _id },
      { $set: { ...restored, isUsed: false }, $unset: Object.fromEntries(marks.map((name) => [name, 1])) },
      { session },
    );
    return { kind: 'restored' };
  });
}
