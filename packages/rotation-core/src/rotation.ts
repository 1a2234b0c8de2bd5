import type { ClientSession, Db } from 'mongodb';
import type { KeyDocument } from './documents.ts';
import type { Pool, RotationReason } from './pool.ts';

/** One wanted rotation. Callers share it; every attempt at it keeps the same `rotationId`. */
export interface Rotation {
  readonly rotationId: string;
  readonly keyId: string;
  /**
   * The life of the key that failed. Where the callers named none it is pinned to the first one that an attempt sees, so that
   * no later attempt rotates a key that came back meanwhile.
   */
  incarnation: string | undefined;
  readonly reason: RotationReason;
}

/** A rotation with the documents chosen for it: `backupId` is to take the place of `failedKey`. */
export interface Replacement {
  readonly rotation: Rotation;
  readonly failedKey: KeyDocument;
  readonly backupId: string;
}

/** Where a step runs. */
export interface Transaction {
  readonly db: Db;
  readonly pool: Pool;
  readonly session: ClientSession;
}

/** What a committed transaction knows about one rotation. */
export type Answer =
  | { readonly kind: 'rotated'; readonly replacement: string }
  | { readonly kind: 'already-rotated'; readonly replacement: string }
  | { readonly kind: 'no-backup' }
  | { readonly kind: 'not-found' };
