import { backupsOf } from '../documents.ts';
import type { RotatorContext } from '../flow/context.ts';
import { requireId } from '../options.ts';

/** A committed rotation. */
export interface FoundRotation {
  readonly keyId: string;
  /** The backup that took the key's place. It may have been replaced since; `rotate` follows the chain to the live key. */
  readonly replacement: string;
}

/**
 * Looks up a rotation by its id, with read concern majority.
 *
 * @returns null if the rotation is not committed; it may be committed later.
 * @throws RotationError
 */
export async function findRotation({ db, pool }: RotatorContext, rotationId: string): Promise<FoundRotation | null> {
  requireId('rotationId', rotationId);
  const backup = await backupsOf(db, pool).findOne(
    { rotationId, isUsed: true },
    { projection: { usedFor: 1 }, readConcern: { level: 'majority' }, readPreference: 'primary' },
  );
  return typeof backup?.usedFor === 'string' ? { keyId: backup.usedFor, replacement: backup._id } : null;
}
