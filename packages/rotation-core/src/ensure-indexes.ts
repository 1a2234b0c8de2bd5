import { MongoServerError, type Collection, type Db, type IndexDescription } from 'mongodb';
import { backupsOf, bindingsOf } from './documents.ts';
import { toRotationError } from './database-error.ts';
import type { Pool } from './pool.ts';

const NAMESPACE_EXISTS = 48;
/** The same index is there under another name. */
const INDEX_OPTIONS_CONFLICT = 85;

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
      await db.createCollection(name).catch(unless(NAMESPACE_EXISTS));
    }
    await createIndexes(backupsOf(db, pool), [
      { name: 'rotation_free', key: { isUsed: 1, _id: 1 } },
      { name: 'rotation_evidence', key: { usedFor: 1, usedAt: -1 } },
      { name: 'rotation_id', key: { rotationId: 1 }, sparse: true },
      {
        name: 'rotation_one_backup_per_incarnation',
        key: { usedFor: 1, usedForIncarnation: 1 },
        unique: true,
        partialFilterExpression: { usedForIncarnation: { $exists: true } },
      },
    ]);
    await createIndexes(bindingsOf(db, pool), [
      { name: `rotation_${pool.bindingKeyField}`, key: { [pool.bindingKeyField]: 1 } },
    ]);
  } catch (error) {
    throw toRotationError(error);
  }
}

/** One by one, for an index that is there would else keep out those that are named with it. */
async function createIndexes<T extends object>(collection: Collection<T>, indexes: IndexDescription[]): Promise<void> {
  for (const index of indexes) await collection.createIndexes([index]).catch(unless(INDEX_OPTIONS_CONFLICT));
}

const unless =
  (code: number) =>
  (error: unknown): void => {
    if (!(error instanceof MongoServerError && error.code === code)) throw error;
  };
