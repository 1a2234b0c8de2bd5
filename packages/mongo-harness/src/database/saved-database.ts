import type { Db, Document } from 'mongodb';

/** All documents of a database by collection, to be put back again and again. */
export type SavedDatabase = ReadonlyMap<string, readonly Document[]>;

export async function saveDatabase(db: Db): Promise<SavedDatabase> {
  const collections = await db.listCollections({}, { nameOnly: true }).toArray();
  return new Map(
    await Promise.all(
      collections.map(async ({ name }) => [name, await db.collection(name).find({}).toArray()] as const),
    ),
  );
}

/**
 * Makes the documents what they were. Collections and indexes stay, for making them costs more than all the rest. The writes
 * wait for no other member: the clients that come next talk to the same one.
 */
export async function restoreDatabase(saved: SavedDatabase, db: Db): Promise<void> {
  await Promise.all([
    dropOthers(saved, db),
    ...[...saved].map(async ([name, documents]) => {
      const collection = db.collection(name, { writeConcern: { w: 1 } });
      await collection.deleteMany({});
      if (documents.length > 0) await collection.insertMany([...documents]);
    }),
  ]);
}

/** A collection that a flow made itself would carry documents from schedule to schedule, and hide what a fresh one shows. */
async function dropOthers(saved: SavedDatabase, db: Db): Promise<void> {
  const others = await db
    .listCollections({ name: { $nin: [...saved.keys()], $not: /^system\./ } }, { nameOnly: true })
    .toArray();
  await Promise.all(others.map(({ name }) => db.dropCollection(name)));
}
