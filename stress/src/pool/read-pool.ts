import type { ClientSession, Db } from 'mongodb';
import type { BackupDocument, Pool } from 'rotation-core';
import { archiveOf, backupsOf, bindingsOf, brakeOf, keysOf } from 'rotation-core/testing';
import type { PoolSnapshot } from '../model/pool-state.ts';
import { archivedIdOf, toBackupState, toBindingState, toKeyState } from './to-states.ts';

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
    keys: keys.map((key) => toKeyState(pool, key)),
    backups: backups.map((backup) => toBackupState(pool, backup)),
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

async function readArchived(db: Db, pool: Pool, session?: ClientSession): Promise<readonly string[] | undefined> {
  const archive = archiveOf(pool);
  if (archive === undefined) return undefined;
  const options = { projection: { sourceId: 1 }, ...(session === undefined ? {} : { session }) };
  const copies = await db.collection<{ _id: string; sourceId?: string }>(archive).find({}, options).toArray();
  return copies.map((copy) => archivedIdOf(copy));
}
