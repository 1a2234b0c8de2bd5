import { MongoServerError, type Db, type MongoClient } from 'mongodb';

const namesOf = async (client: MongoClient): Promise<string[]> => {
  const { databases } = await client.db('admin').admin().listDatabases({ nameOnly: true });
  return databases.map(({ name }) => name);
};

/**
 * The databases of storms that began with this many backups. Other people's storms may rage on the same set, so a test knows its
 * own by a number that nobody else would choose.
 */
export async function stormDatabases(client: MongoClient, backups: number): Promise<Db[]> {
  const found: Db[] = [];
  for (const name of await namesOf(client)) {
    if (!name.startsWith('rotation_stress_')) continue;
    const db = client.db(name);
    if ((await countBackups(db)) === backups) found.push(db);
  }
  return found;
}

/** QueryPlanKilled: the collection was dropped in the middle of the count. */
const QUERY_PLAN_KILLED = 175;

/** Another storm may end, and drop its database, between the list and the count or during the count: then there is nothing to count. */
const countBackups = (db: Db): Promise<number> =>
  db
    .collection('backup_keys')
    .countDocuments({})
    .catch((error: unknown) => {
      if (error instanceof MongoServerError && error.code === QUERY_PLAN_KILLED) return 0;
      throw error;
    });

/** Have the callers of this storm begun to change something? */
export const hasBegun = async (db: Db): Promise<boolean> =>
  (await db.collection('backup_keys').findOne({ isUsed: true })) !== null;

/** Those of the names that exist, with whatever is in them: a late write makes a database anew. */
export const existing = async (client: MongoClient, names: Iterable<string>): Promise<string[]> => {
  const all = new Set(await namesOf(client));
  return [...names].filter((name) => all.has(name));
};
