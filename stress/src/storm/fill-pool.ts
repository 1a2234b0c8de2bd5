import type { Db } from 'mongodb';
import { createRotator, type Pool } from 'rotation-core';
import { backupsOf, bindingsOf, keysOf } from 'rotation-core/parts';
import type { StartState } from '../scenarios/scenario.ts';

/** Creates a pool's collections and indexes, and puts a start state in. All apiKeys are made up. */
export async function fillPool(db: Db, pool: Pool, { keys, backups, bindings }: StartState): Promise<void> {
  await createRotator(db, pool).ensureIndexes();
  const createdAt = new Date();
  if (keys.length > 0)
    await keysOf(db, pool).insertMany(
      keys.map((_id) => ({
        _id,
        apiKey: `key of ${_id}`,
        status: 'healthy',
        tokensUsed: 7,
        requestsCount: 3,
        createdAt,
      })),
    );
  if (backups.length > 0)
    await backupsOf(db, pool).insertMany(
      backups.map((_id) => ({ _id, apiKey: `key of ${_id}`, isUsed: false, activated: false, createdAt })),
    );
  if (bindings.length > 0)
    await bindingsOf(db, pool).insertMany(
      bindings.map(({ keyId, ...rest }) => ({ ...rest, [pool.bindingKeyField]: keyId, isActive: true, createdAt })),
    );
}
