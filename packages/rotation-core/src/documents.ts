import type { Collection, Db } from 'mongodb';
import type { KeyStatus, Pool } from './pool.ts';

/** A key as services have it today; the fields under "rotations add" are missing in old documents. */
export interface KeyDocument {
  _id: string;
  apiKey: string;
  status?: KeyStatus;
  tokensUsed?: number;
  requestsCount?: number;
  createdAt?: Date;
  // Rotations add:
  /** This life of the id: the `rotationId` of the rotation that installed it. */
  incarnation?: string | null;
  /** Counts the bindings made through `bind`, so that a binding made meanwhile and a rotation meet on this document. */
  bindingSequence?: number;
  /** On a kept key: the backup that took its place. A key that has it is not live. */
  replacedBy?: string | null;
  /** On a kept key: the rotation that replaced it. */
  rotationId?: string;
  /** On a kept key: when, by the server's clock. */
  replacedAt?: Date;
}

/** A backup; `usedForIncarnation` and `rotationId` are missing where an older flow claimed it. */
export interface BackupDocument {
  _id: string;
  apiKey: string;
  isUsed?: boolean;
  activated?: boolean;
  usedAt?: Date | null;
  usedFor?: string | null;
  createdAt?: Date;
  // Rotations add:
  usedForIncarnation?: string;
  rotationId?: string;
}

/** A binding; the key's id stands in the pool's `bindingKeyField`. */
export interface BindingDocument {
  proxyId: string;
  priority?: number;
  isActive?: boolean;
  createdAt?: Date;
  [field: string]: unknown;
}

export const keysOf = (db: Db, pool: Pool): Collection<KeyDocument> => db.collection(pool.collections.keys);
export const backupsOf = (db: Db, pool: Pool): Collection<BackupDocument> => db.collection(pool.collections.backups);
export const bindingsOf = (db: Db, pool: Pool): Collection<BindingDocument> => db.collection(pool.collections.bindings);

/** A key that was kept for review after its rotation is in the collection, but not live. */
export const isLive = (key: Pick<KeyDocument, 'replacedBy'> | undefined): boolean =>
  key !== undefined && (key.replacedBy === undefined || key.replacedBy === null);

/**
 * Names the life of a key id that this document stands for. Pass it to `rotate` with the id, and a key that came back
 * meanwhile is never rotated in the place of the one that failed.
 *
 * Documents older than this package have no `incarnation`; theirs is told by `createdAt`, and without that by `'unknown'`.
 */
export const incarnationOf = (key: Pick<KeyDocument, 'incarnation' | 'createdAt'>): string =>
  key.incarnation ?? (key.createdAt instanceof Date ? `created ${key.createdAt.toISOString()}` : 'unknown');
