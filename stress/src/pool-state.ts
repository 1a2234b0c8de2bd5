import { BSON, type ClientSession, type Db, type WithId } from 'mongodb';
import type { BackupDocument, BindingDocument, KeyDocument, Pool } from 'rotation-core';
import { backupsOf, bindingsOf, isLive, keysOf } from 'rotation-core/parts';

/** A pool at one instant, in the words of the promises, whatever its collections and fields are called. */
export interface PoolState {
  readonly keys: ReadonlyMap<string, KeyState>;
  readonly backups: ReadonlyMap<string, BackupState>;
  readonly bindings: readonly BindingState[];
  /** Ids of the keys that have a copy in the pool's archive, where it has one. */
  readonly archived?: ReadonlySet<string>;
}

export interface KeyState {
  readonly id: string;
  /** False where a retired key is kept for review. */
  readonly live: boolean;
  /** It looks as older flows left keys that they had replaced and kept; or it failed, and waits for a backup. */
  readonly mayBeKept?: boolean;
  readonly apiKey: string;
  /** The whole document as text, to tell whether it is as it was. */
  readonly content: string;
}

export interface BackupState {
  readonly id: string;
  /** Every flow takes a backup only where `isUsed` is false; one without the field is as good as used. */
  readonly isUsed: boolean;
  readonly usedFor: string | undefined;
  readonly apiKey: string;
  readonly content: string;
}

export interface BindingState {
  readonly keyId: string;
  /** All fields but `_id` and the key's id, as text: what must stay the same when it moves. */
  readonly rest: string;
}

/** Reads all collections in one snapshot, so that no transaction is seen in part. */
export async function readPoolState(db: Db, pool: Pool): Promise<PoolState> {
  await using session = db.client.startSession({ snapshot: true });
  const keys = await keysOf(db, pool).find({}, { session }).toArray();
  const backups = await backupsOf(db, pool).find({}, { session }).toArray();
  const bindings = await bindingsOf(db, pool).find({}, { session }).toArray();
  return toPoolState(pool, keys, backups, bindings, await readArchived(db, pool, session));
}

/** Reads all collections at once, and no older than they are; only while nobody writes. */
export async function readQuietState(db: Db, pool: Pool): Promise<PoolState> {
  const [keys, backups, bindings, archived] = await Promise.all([
    keysOf(db, pool).find({}).toArray(),
    backupsOf(db, pool).find({}).toArray(),
    bindingsOf(db, pool).find({}).toArray(),
    readArchived(db, pool),
  ]);
  return toPoolState(pool, keys, backups, bindings, archived);
}

async function readArchived(db: Db, pool: Pool, session?: ClientSession): Promise<ReadonlySet<string> | undefined> {
  if (pool.retirement.kind !== 'delete' || pool.retirement.archive === undefined) return undefined;
  const options = { projection: { _id: 1 }, ...(session === undefined ? {} : { session }) };
  const copies = await db.collection<KeyDocument>(pool.retirement.archive).find({}, options).toArray();
  return new Set(copies.map(({ _id }) => _id));
}

function toPoolState(
  pool: Pool,
  keys: readonly KeyDocument[],
  backups: readonly BackupDocument[],
  bindings: readonly WithId<BindingDocument>[],
  archived: ReadonlySet<string> | undefined,
): PoolState {
  return {
    ...(archived === undefined ? {} : { archived }),
    keys: new Map(
      keys.map((key) => [
        key._id,
        {
          id: key._id,
          live: isLive(key),
          mayBeKept: key.status !== undefined && (pool.keptStatuses ?? []).includes(key.status),
          apiKey: key.apiKey,
          content: BSON.EJSON.stringify(key),
        },
      ]),
    ),
    backups: new Map(
      backups.map((backup) => [
        backup._id,
        {
          id: backup._id,
          isUsed: backup.isUsed !== false,
          usedFor: backup.usedFor ?? undefined,
          apiKey: backup.apiKey,
          content: BSON.EJSON.stringify(backup),
        },
      ]),
    ),
    bindings: bindings.map(({ _id, [pool.bindingKeyField]: keyId, ...rest }) => ({
      keyId: String(keyId),
      rest: BSON.EJSON.stringify(Object.fromEntries(Object.entries(rest).toSorted(([a], [b]) => (a < b ? -1 : 1)))),
    })),
  };
}
