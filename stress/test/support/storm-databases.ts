import type { Db, MongoClient } from 'mongodb';

/**
 * The databases of storms that began with this many backups. Other people's storms may rage on the same set, so a test knows its
 * own by a number that nobody else would choose.
 */
export async function stormDatabases(client: MongoClient, backups: number): Promise<Db[]> {
  const { databases } = await client.db('admin').admin().listDatabases({ nameOnly: true });
  const found: Db[] = [];
  for (const { name } of databases) {
    if (!name.startsWith('rotation_stress_')) continue;
    const db = client.db(name);
    if ((await db.collection('backup_keys').countDocuments({})) === backups) found.push(db);
  }
  return found;
}

/** Have the callers of this storm begun to change something? */
export const hasBegun = async (db: Db): Promise<boolean> =>
  (await db.collection('backup_keys').findOne({ isUsed: true })) !== null;
