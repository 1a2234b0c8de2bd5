import { createHmac, randomBytes } from 'node:crypto';
import { BSON, type Document } from 'mongodb';
import type { BackupDocument, BindingDocument, KeyDocument, Pool } from 'rotation-core';
import { isLive, setAsideFieldsOf, storedIncarnationOf } from 'rotation-core/testing';
import type { BackupState, BindingState, KeyState } from '../model/pool-state.ts';

/* The documents of a pool in the words of the invariants. */

export const toKeyState = (pool: Pool, key: KeyDocument): KeyState => ({
  id: key._id,
  live: isLive(key),
  incarnation: storedIncarnationOf(key),
  mayBeKept: key.status !== undefined && (pool.keptStatuses ?? []).includes(key.status),
  apiKey: digest(key.apiKey),
  content: digest(BSON.EJSON.stringify(withoutCounter(key, 'bindingSequence'))),
});

export const toBackupState = (pool: Pool, backup: BackupDocument): BackupState => ({
  id: backup._id,
  isUsed: backup.isUsed !== false,
  ...(typeof backup.usedFor === 'string' ? { usedFor: backup.usedFor } : {}),
  ...(backup.rotationId === undefined ? {} : { rotationId: backup.rotationId }),
  ...(isSetAside(backup, pool) ? { isSetAside: true } : {}),
  apiKey: digest(backup.apiKey),
  content: digest(BSON.EJSON.stringify(withoutCounter(backup, 'brakeSequence'))),
});

export const toBindingState = (
  pool: Pool,
  { _id, [pool.bindingKeyField]: keyId, ...rest }: BindingDocument,
): BindingState => ({
  keyId: String(keyId),
  rest: BSON.EJSON.stringify(
    Object.fromEntries(
      Object.entries(rest)
        .filter(([name]) => pool.movedBindingFields?.includes(name) !== true)
        .toSorted(([a], [b]) => (a < b ? -1 : 1)),
    ),
  ),
});

/** The key that a document of the archive is a copy of. */
export const archivedIdOf = ({ _id, sourceId = _id }: Document): string => String(sourceId);

/** Counters by which documents are locked say nothing: a rotation that found no backup may have locked the key, and later ones lock a claim near the bound of the brake. */
const withoutCounter = (document: object, counter: string): object =>
  Object.fromEntries(Object.entries(document).filter(([name]) => name !== counter));

const isSetAside = (backup: Document, pool: Pool): boolean => (backup[setAsideFieldsOf(pool).at] ?? null) !== null;

/** Drawn anew by each process, so that nobody can try apiKeys on a digest that is found in a file. */
const DIGEST_KEY = randomBytes(32);
const DIGEST_LENGTH = 16;

const digest = (text: string): string =>
  createHmac('sha256', DIGEST_KEY).update(text).digest('base64url').slice(0, DIGEST_LENGTH);
