import { MongoClient, type Db } from 'mongodb';
import { createTestDatabaseName, exploringSet } from 'test-kit';
import { afterAll, expect, test } from 'vitest';
import { interleave, type FlowClient } from '../src/index.ts';

/* A flow that also writes through a client of its own: no schedule decides when that write comes, so nothing is clean. */

const { uri } = exploringSet();
const own = new MongoClient(uri);
afterAll(() => own.close());

async function explore(
  database: string,
  write: (db: Db, client: FlowClient) => Promise<unknown>,
  { reset = async () => undefined }: { readonly reset?: (db: Db) => Promise<unknown> } = {},
) {
  await using session = await interleave({
    uri,
    database,
    clients: 2,
    reset: async (db) => {
      await reset(db);
      await db.collection('items').deleteMany({});
      await db.collection('log').deleteMany({});
      await db.collection<{ _id: string; n: number }>('items').insertOne({ _id: 'x', n: 0 });
    },
    flow: async (client, db) => {
      await db.collection<{ _id: string; n: number }>('items').updateOne({ _id: 'x' }, { $inc: { n: 1 } });
      await write(db, client);
    },
    check: () => undefined,
  });
  return await session.explore({ maxRuns: 8 });
}

const insert = (db: Db): Promise<unknown> => db.collection('log').insertOne({ at: 1 });

test.each<[string, (database: string, client: FlowClient) => Promise<unknown>]>([
  ['a document', (database) => insert(own.db(database))],
  [
    'a transaction',
    (database) =>
      own.withSession((session) =>
        session.withTransaction(() => own.db(database).collection('log').insertOne({ at: 1 }, { session })),
      ),
  ],
  [
    'a document of a collection that the gate knows',
    (database) =>
      insert(own.db(database)).then(() =>
        own
          .db(database)
          .collection('items')
          .updateOne({}, { $inc: { n: 1 } }),
      ),
  ],
  [
    'beside a count and an update that changes nothing',
    async (database, { mongo }) => {
      const items = mongo.db(database).collection('items');
      await items.estimatedDocumentCount();
      await items.updateOne({}, { $set: { same: null } });
      await items.updateOne({}, { $set: { same: null } });
      await own
        .db(database)
        .collection('items')
        .updateOne({}, { $inc: { n: 1 } });
    },
  ],
  [
    'a document in another database that the flows use',
    async (database, { mongo }) => {
      await mongo.db(`${database}_other`).collection('items').findOne();
      await own.db(`${database}_other`).collection('items').insertOne({ at: 1 });
      await own.db(`${database}_other`).dropDatabase();
    },
  ],
  ['by one client only', (database, { letter }) => (letter === 'B' ? insert(own.db(database)) : Promise.resolve())],
])('is told: %s', async (_what, write) => {
  const database = createTestDatabaseName('past');
  const { complete, violations } = await explore(database, (_db, client) => write(database, client));
  expect(complete).toBe(false);
  expect(violations[0]?.verdict).toMatchObject({
    kind: 'unknown',
    error: {
      code: 'unscheduled',
      message: expect.stringMatching(
        /^\d of \d writes to "(?:log|items|\w+_other\.items)" came past the gate/,
      ) as string,
    },
  });
});

test.each<[string, (db: Db, client: FlowClient) => Promise<unknown>]>([
  [
    'a collection that a transaction makes',
    (db, { mongo, letter }) =>
      mongo.withSession((session) =>
        session.withTransaction(() => db.collection(`made_${letter}`).insertOne({ at: 1 }, { session })),
      ),
  ],
  [
    '$out',
    (db) =>
      db
        .collection('items')
        .aggregate([{ $match: {} }, { $out: 'out' }])
        .toArray(),
  ],
  ['a view', (db, { letter }) => db.createCollection(`view_${letter}`, { viewOn: 'items', pipeline: [] })],
])('what the server writes for a command is no such write: %s', async (_what, write) => {
  const database = createTestDatabaseName('past');
  const { violations } = await explore(database, async (db, client) => write(db, client), {
    reset: async (db) => {
      for (const { name } of await db.listCollections().toArray())
        if (/^(?:made|view|out)/.test(name)) await db.dropCollection(name);
    },
  });
  expect(violations).toEqual([]);
});

test('writes through the gate, and of others in other databases, are no such writes', async () => {
  const other = createTestDatabaseName('other');
  const { runs, violations } = await explore(createTestDatabaseName('past'), async (db, { mongo, letter }) => {
    await insert(own.db(other));
    await insert(db);
    await mongo.withSession((session) =>
      session.withTransaction(async () => {
        await db.collection('log').insertMany([{ at: 1 }, { at: 2 }], { session });
        await db.collection('log').updateOne({ letter }, { $set: { at: 2 } }, { session, upsert: true });
      }),
    );
    await db.collection('log').findOneAndUpdate({ letter }, { $inc: { at: 1 } }, { upsert: true });
    await db
      .collection('items')
      .aggregate([{ $match: {} }, { $merge: { into: 'log' } }])
      .toArray();
    await db.collection('log').deleteMany({ at: 1 });
  });
  await own.db(other).dropDatabase();
  expect(violations).toEqual([]);
  expect(runs).toBe(8);
});
