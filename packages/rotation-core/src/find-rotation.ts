import type { RotatorContext } from './context.ts';
import { toRotationError } from './database-error.ts';
import { backupsOf } from './documents.ts';
import { requireId } from './options.ts';

/** A committed rotation. */
export interface FoundRotation {
  readonly keyId: string;
  /** The backup that took the key's place at that time. It may have been replaced since; `rotate` follows the chain. */
  readonly replacement: string;
}

/** Looks a rotation up by its id, among what a majority of the set has. @throws RotationError */
export async function findRotation({ db, pool }: RotatorContext, rotationId: string): Promise<FoundRotation | null> {
  requireId('rotationId', rotationId);
  try {
    const backup = await backupsOf(db, pool).findOne(
      { rotationId, isUsed: true },
      { projection: { usedFor: 1 }, readConcern: { level: 'majority' }, readPreference: 'primary' },
    );
    return typeof backup?.usedFor === 'string' ? { keyId: backup.usedFor, replacement: backup._id } : null;
  } catch (error) {
    throw toRotationError(error);
  }
}
