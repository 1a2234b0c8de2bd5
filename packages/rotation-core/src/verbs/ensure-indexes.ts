import { MongoServerError, type Collection, type Db, type IndexDescription } from 'mongodb';
import { backupsOf, bindingsOf, keysOf } from '../documents.ts';
import { toRotationError } from '../flow/database-error.ts';
import { indexesOf } from '../indexes.ts';
import { archiveOf, type Pool } from '../pool.ts';

const NAMESPACE_EXISTS = 48;
/** The same index exists under another name. */
const INDEX_OPTIONS_CONFLICT = 85;

/**
 * Creates the collections and indexes that a pool needs, and leaves alone what exists. The collections are created here because
 * creating one inside a transaction takes stronger locks.
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
    const indexes = indexesOf(pool);
    await createIndexes(keysOf(db, pool), indexes.keys);
    await createIndexes(backupsOf(db, pool), indexes.backups);
    await createIndexes(bindingsOf(db, pool), indexes.bindings);
  } catch (error) {
    throw toRotationError(error);
  }
}

/** Creates the indexes one by one: one that conflicts would otherwise keep out the others of the same command. */
async function createIndexes<T extends object>(
  collection: Collection<T>,
  indexes: readonly IndexDescription[],
): Promise<void> {
  for (const index of indexes) await collection.createIndexes([index]).catch(unless(INDEX_OPTIONS_CONFLICT));
}

const unless =
  (code: number) =>
  (error: unknown): void => {
    if (!(error instanceof MongoServerError && error.code === code)) throw error;
  };
