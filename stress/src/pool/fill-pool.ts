import type { Db } from 'mongodb';
import { createRotator, type BackupDocument, type KeyDocument, type Pool } from 'rotation-core';
import { backupsOf, bindingsOf, keysOf } from 'rotation-core/testing';
import { rotateBefore } from './rotate-before.ts';
import type { StartState } from '../model/start-state.ts';

/**
 * Creates the collections and indexes that the pools share, and puts a start state in. All apiKeys are made up.
 *
 * @param pools services that share their collections; the past rotations come through them in turn
 */
export async function fillPool(db: Db, pools: readonly [Pool, ...Pool[]], start: StartState): Promise<void> {
  const [pool] = pools;
  await createRotator(db, pool).ensureIndexes();
  const keys = start.keys.map((key) => (typeof key === 'string' ? healthyKey(key) : key));
  const bindings = start.bindings.map(({ keyId, ...rest }) => ({ ...rest, [pool.bindingKeyField]: keyId }));
  const backups = start.backups.map((backup) => (typeof backup === 'string' ? freeBackup(backup) : backup));
  if (keys.length > 0) await keysOf(db, pool).insertMany(keys);
  if (bindings.length > 0) await bindingsOf(db, pool).insertMany(bindings);
  // Before the backups are in, so that each past rotation finds none but its own.
  for (const [index, rotation] of (start.past ?? []).entries()) {
    await backupsOf(db, pool).insertOne(freeBackup(rotation.backupId));
    await rotateBefore(db, pools[index % pools.length] ?? pool, rotation);
  }
  if (backups.length > 0) await backupsOf(db, pool).insertMany(backups);
}

const CREATED_AT = new Date();

const healthyKey = (_id: string): KeyDocument => ({
  _id,
  apiKey: `key of ${_id}`,
  status: 'healthy',
  tokensUsed: 7,
  requestsCount: 3,
  createdAt: CREATED_AT,
});

const freeBackup = (_id: string): BackupDocument => ({
  _id,
  apiKey: `key of ${_id}`,
  isUsed: false,
  activated: false,
  createdAt: CREATED_AT,
});
