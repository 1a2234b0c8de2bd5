import { createHmac, randomBytes } from 'node:crypto';
import { BSON, type ClientSession, type Db, type WithId } from 'mongodb';
import type { BackupDocument, BindingDocument, Pool } from 'rotation-core';
import {
  archiveOf,
  backupsOf,
  bindingsOf,
  brakeOf,
  isLive,
  keysOf,
  setAsideFieldsOf,
  storedIncarnationOf,
} from 'rotation-core/testing';
import type { PoolSnapshot } from '../model/pool-state.ts';

/** Reads all collections: one after the other in the session's snapshot, or at once, which is only for a pool that nobody writes to. */
export async function readPool(db: Db, pool: Pool, session?: ClientSession): Promise<PoolSnapshot> {
  const options = session === undefined ? {} : { session };
  const reads = [
    () => keysOf(db, pool).find({}, options).toArray(),
    () => backupsOf(db, pool).find({}, options).toArray(),
    () => bindingsOf(db, pool).find({}, options).toArray(),
    () => readArchived(db, pool, session),
  ] as const;
  const [readKeys, readBackups, readBindings, readArchive] = reads;
  const [keys, backups, bindings, archived] =
    session === undefined
      ? await Promise.all([readKeys(), readBackups(), readBindings(), readArchive()])
      : [await readKeys(), await readBackups(), await readBindings(), await readArchive()];
  return {
    keys: keys.map((key) => ({
      id: key._id,
      live: isLive(key),
      incarnation: storedIncarnationOf(key),
      mayBeKept: key.status !== undefined && (pool.keptStatuses ?? []).includes(key.status),
      apiKey: digest(key.apiKey),
      content: digest(BSON.EJSON.stringify(withoutCounter(key, 'bindingSequence'))),
    })),
    backups: backups.map((backup) => ({
      id: backup._id,
      isUsed: backup.isUsed !== false,
      ...(typeof backup.usedFor === 'string' ? { usedFor: backup.usedFor } : {}),
      ...(isSetAside(backup, pool) ? { isSetAside: true } : {}),
      apiKey: digest(backup.apiKey),
      content: digest(BSON.EJSON.stringify(withoutCounter(backup, 'brakeSequence'))),
    })),
    bindings: bindings.map((binding) => toBindingState(pool, binding)),
    ...(archived === undefined ? {} : { archived }),
    ...brakeStateOf(pool, backups),
  };
}

function brakeStateOf(pool: Pool, backups: readonly BackupDocument[]): Pick<PoolSnapshot, 'brake'> {
  const brake = brakeOf(pool);
  if (brake === false) return {};
  const since = Date.now() - brake.perMs;
  const counts = ({ usedIn, usedAt }: BackupDocument): boolean =>
    usedIn === pool.collections.keys && (usedAt?.getTime() ?? -Infinity) > since;
  return { brake: { ...brake, made: backups.filter(counts).length } };
}

/** Counters by which documents are locked say nothing: a rotation that found no backup may have locked the key, and later ones lock a claim near the bound of the brake. */
const withoutCounter = (document: object, counter: string): object =>
  Object.fromEntries(Object.entries(document).filter(([name]) => name !== counter));

const isSetAside = (backup: Readonly<Record<string, unknown>>, pool: Pool): boolean =>
  (backup[setAsideFieldsOf(pool).at] ?? null) !== null;

async function readArchived(db: Db, pool: Pool, session?: ClientSession): Promise<readonly string[] | undefined> {
  const archive = archiveOf(pool);
  if (archive === undefined) return undefined;
  const options = { projection: { sourceId: 1 }, ...(session === undefined ? {} : { session }) };
  const copies = await db.collection<{ _id: string; sourceId?: string }>(archive).find({}, options).toArray();
  return copies.map(({ _id, sourceId = _id }) => sourceId);
}

const toBindingState = (
  pool: Pool,
  { _id, [pool.bindingKeyField]: keyId, ...rest }: WithId<BindingDocument>,
): PoolSnapshot['bindings'][number] => ({
  keyId: String(keyId),
  rest: BSON.EJSON.stringify(
    Object.fromEntries(
      Object.entries(rest)
        .filter(([name]) => pool.movedBindingFields?.includes(name) !== true)
        .toSorted(([a], [b]) => (a < b ? -1 : 1)),
    ),
  ),
});

/** Drawn anew by each process, so that nobody can try apiKeys on a digest that is found in a file. */
const DIGEST_KEY = randomBytes(32);
const DIGEST_LENGTH = 16;

const digest = (text: string): string =>
  createHmac('sha256', DIGEST_KEY).update(text).digest('base64url').slice(0, DIGEST_LENGTH);
