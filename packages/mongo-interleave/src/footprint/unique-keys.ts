import type { Db } from 'mongodb';

/** The fields of unique indexes, by collection, without `_id`. An insert looks for documents with the same values in these fields. */
export type UniqueKeys = ReadonlyMap<string, readonly (readonly string[])[]>;

/** Reads the unique indexes of all collections of a database. */
export async function readUniqueKeys(db: Db): Promise<UniqueKeys> {
  const keys = new Map<string, string[][]>();
  const collections = await db.listCollections({ type: 'collection' }, { nameOnly: true }).toArray();
  for (const { name } of collections) {
    const indexes = await db.collection(name).indexes();
    keys.set(
      name,
      indexes.flatMap(({ key, unique }) => (unique === true ? [Object.keys(key)] : [])),
    );
  }
  return keys;
}
