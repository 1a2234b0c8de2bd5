import { MongoServerError, type Collection, type Db, type IndexDescription } from 'mongodb';
import { backupsOf, bindingsOf } from '../documents.ts';
import { toRotationError } from '../flow/database-error.ts';
import { archiveOf, type Pool } from '../pool.ts';

const NAMESPACE_EXISTS = 48;
/** The same index exists under another name. */
const INDEX_OPTIONS_CONFLICT = 85;

/**
 * Creates the collections and indexes that a pool needs, and leaves alone what exists. The collections are created here because
 * creating one inside a transaction takes stronger locks. The unique index is partial, so that several backups that older flows
 * used for one key don't violate it.
 *
 * @throws RotationError `database` if the server refuses.
 */
export async function ensureIndexes(db: Db, pool: Pool): Promise<void> {
  const { keys, backups, bindings } = pool.collections;
  const archive = archiveOf(pool);
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

/** Creates the indexes one by one: one that conflicts would otherwise keep out the others of the same command. */
async function createIndexes<T extends object>(collection: Collection<T>, indexes: IndexDescription[]): Promise<void> {
  for (const index of indexes) await collection.createIndexes([index]).catch(unless(INDEX_OPTIONS_CONFLICT));
}

const unless =
  (code: number) =>
  (error: unknown): void => {
    if (!(error instanceof MongoServerError && error.code === code)) throw error;
  };
