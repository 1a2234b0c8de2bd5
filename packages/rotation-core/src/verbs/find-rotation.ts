import { backupsOf, keysOf } from '../documents.ts';
import type { CallContext, RotatorContext } from '../flow/context.ts';
import { retryCommand } from '../flow/retry-transaction.ts';
import { requireText, type StoredId } from '../ids.ts';

/** A committed rotation. */
export interface FoundRotation<Id = string> {
  readonly keyId: Id;
  /** The backup that took the key's place. It may have been replaced since; `rotate` follows the chain to the live key. */
  readonly replacement: Id;
}

/**
 * Looks up a rotation by its id, with read concern majority.
 *
 * @returns null if the rotation is not committed; it may be committed later.
 * @throws RotationError
 */
export async function findRotation(context: CallContext, rotationId: string): Promise<FoundRotation<StoredId> | null> {
  requireText('rotationId', rotationId);
  return retryCommand(context, () => readRotation(context, rotationId));
}

async function readRotation({ db, pool }: RotatorContext, rotationId: string): Promise<FoundRotation<StoredId> | null> {
  const committed = { readConcern: { level: 'majority' }, readPreference: 'primary' } as const;
  const backup = await backupsOf(db, pool).findOne(
    { rotationId, isUsed: true, usedIn: { $in: [pool.collections.keys, null] } },
    { ...committed, projection: { usedFor: 1 } },
  );
  const usedFor = backup?.usedFor ?? null;
  if (backup !== null && usedFor !== null) return { keyId: usedFor, replacement: backup._id };
  // The backup was deleted or restored meanwhile.
  const heir = await keysOf(db, pool).findOne(
    { 'predecessors.rotationId': rotationId },
    { ...committed, projection: { predecessors: 1 } },
  );
  const all = heir?.predecessors ?? [];
  const place = all.findIndex((predecessor) => predecessor.rotationId === rotationId);
  const keyId = all[place]?.keyId;
  return heir === null || keyId === undefined ? null : { keyId, replacement: all[place + 1]?.keyId ?? heir._id };
}
