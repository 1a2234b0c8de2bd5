import type { RotatorContext } from './context.ts';
import { backupsOf, isLive, keysOf } from './documents.ts';
import { requireId } from './options.ts';
import { retryTransaction } from './retry-transaction.ts';

export type RestoreOutcome =
  | { readonly kind: 'restored' | 'already-free' | 'not-found' }
  /** The backup serves as a key; restoring it would let it be claimed a second time. */
  | { readonly kind: 'live-key' };

/**
 * Makes a used backup free again. All fields of its use go in one update: a restored backup that kept `usedFor` would be taken
 * for evidence, and callers of the old key would be sent to it.
 *
 * A rotation that installs this very backup conflicts with the update, so it can't become live in between.
 *
 * @throws RotationError
 */
export async function restoreBackup(context: RotatorContext, backupId: string): Promise<RestoreOutcome> {
  requireId('backupId', backupId);
  return retryTransaction(context, async ({ db, pool, session }): Promise<RestoreOutcome> => {
    const backup = await backupsOf(db, pool).findOne({ _id: backupId }, { session, projection: { isUsed: 1 } });
    if (backup === null) return { kind: 'not-found' };
    if (backup.isUsed === false) return { kind: 'already-free' };
    const key = await keysOf(db, pool).findOne({ _id: backupId }, { session, projection: { replacedBy: 1 } });
    if (isLive(key ?? undefined)) return { kind: 'live-key' };
    await backupsOf(db, pool).updateOne(
      { _id: backupId },
      { $set: { isUsed: false }, $unset: { usedAt: 1, usedFor: 1, usedForIncarnation: 1, rotationId: 1 } },
      { session },
    );
    return { kind: 'restored' };
  });
}
