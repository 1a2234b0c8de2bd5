import type { StoredKey } from '../documents.ts';
import type { Rotation } from '../rotation.ts';

/** A rotation and the backup chosen for it, which is to take the place of the failed key. */
export interface Replacement {
  readonly rotation: Rotation;
  /** The key as the transaction's snapshot holds it. */
  readonly failedKey: StoredKey;
  readonly backupId: string;
}
