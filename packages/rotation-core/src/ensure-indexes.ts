import { MongoServerError, type Db } from 'mongodb';
import { backupsOf, bindingsOf } from './documents.ts';
import { toRotationError } from './database-error.ts';
import type { Pool } from './pool.ts';

const NAMESPACE_EXISTS = 48;

/**
 * Creates what a pool needs, and leaves alone what is there. Collections come first, for creating one inside a transaction
 * takes stronger locks. The unique index is partial: several backups used for one key, which older flows left, don't break it.
 *
 * @throws RotationError `database` where the server refuses.
 */
export async function ensureIndexes(db: Db, pool: Pool): Promise<void> {
  const { keys, backups, bindings } = pool.collections;
  const archive = pool.retirement.kind === 'delete' ? pool.retirement.archive : undefined;
  try {
    for (const name of [keys, backups, bindings, ...(archive === undefined ? [] : [archive])]) {
      await db.createCollection(name).catch((error: unknown) => {
        if (!(error instanceof MongoServerError && error.code === NAMESPACE_EXISTS)) throw error;
      });
    }
    await backupsOf(db, pool).createIndexes([
      { name: 'rotation_free', key: { isUsed: 1, _id: 1 } },
      { name: 'rotation_evidence', key: { usedFor: 1, usedAt: -1 } },
      { name: 'rotation_id', key: { rotationId: 1 }, sparse: true },
      {
        name: 'rotation_one_backup_per_incarnation',
        key: { usedFor: 1, usedForIncarnation: 1 },
        unique: true,
        partialFilterExpression: { rotationId: { $exists: true } },
      },
    ]);
    await bindingsOf(db, pool).createIndexes([
      { name: `rotation_${pool.bindingKeyField}`, key: { [pool.bindingKeyField]: 1 } },
    ]);
  } catch (error) {
    throw toRotationError(error);
  }
}
