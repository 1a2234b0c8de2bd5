import * as fc from 'fast-check';
import { openTestDatabase, type TestDatabase } from 'test-kit';
import { BSON, type Collection, type Db, type Document } from 'mongodb';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { Witness } from '../../src/database/witness.ts';
import type { Change, Commit, SystemTypes } from '../../src/index.ts';

interface Changes extends SystemTypes {
  readonly write: Change;
}

interface Item {
  readonly _id: string;
  readonly n?: number;
}

let database: TestDatabase;
let db: Db;
let items: Collection<Item>;
beforeAll(async () => {
  database = await openTestDatabase('witness');
  db = database.db;
});
afterAll(() => database.close());
beforeEach(async () => {
  await db.dropDatabase();
  items = db.collection<Item>('items');
  await items.insertOne({ _id: 'a', n: 1 });
});

const commitsOf = (witness: Witness): Promise<Commit<Changes>[]> => witness.read<Changes>((change) => change);

const inTransaction = async (writes: (transaction: Collection<Item>, session: object) => Promise<unknown>) => {
  await using session = db.client.startSession();
  await session.withTransaction(() => writes(items, { session }));
};

test('single writes, each a commit, in their order; nothing of before', async () => {
  const witness = await Witness.begin(db);
  await items.insertOne({ _id: 'b' });
  await items.updateOne({ _id: 'a' }, { $inc: { n: 1 } });
  await items.deleteOne({ _id: 'b' });
  await db.collection<Item>('others').updateOne({ _id: 'c' }, { $set: { n: 5 } }, { upsert: true });
  expect(await commitsOf(witness)).toEqual([
    { isTransaction: false, writes: [{ collection: 'items', after: { _id: 'b' } }] },
    { isTransaction: false, writes: [{ collection: 'items', before: { _id: 'a', n: 1 }, after: { _id: 'a', n: 2 } }] },
    { isTransaction: false, writes: [{ collection: 'items', before: { _id: 'b' } }] },
    { isTransaction: false, writes: [{ collection: 'others', after: { _id: 'c', n: 5 } }] },
  ]);
});

test('a transaction is one commit, and tells of each document once', async () => {
  const witness = await Witness.begin(db);
  await inTransaction(async (own, session) => {
    await own.updateOne({ _id: 'a' }, { $inc: { n: 1 } }, session);
    await own.insertMany([{ _id: 'b' }, { _id: 'c' }, { _id: 'd' }], session);
    await own.updateOne({ _id: 'b' }, { $set: { n: 7 } }, session);
    await own.deleteOne({ _id: 'a' }, session);
    await own.deleteOne({ _id: 'd' }, session);
  });
  await items.deleteOne({ _id: 'c' });
  expect(await commitsOf(witness)).toEqual([
    {
      isTransaction: true,
      writes: [
        { collection: 'items', before: { _id: 'a', n: 1 } },
        { collection: 'items', after: { _id: 'b', n: 7 } },
        { collection: 'items', after: { _id: 'c' } },
      ],
    },
    { isTransaction: false, writes: [{ collection: 'items', before: { _id: 'c' } }] },
  ]);
});

test('a transaction of one write is one, and one with nothing but reads is none', async () => {
  const witness = await Witness.begin(db);
  await inTransaction((own, session) => own.insertOne({ _id: 'b' }, session));
  await inTransaction((own, session) => own.findOne({ _id: 'b' }, session));
  expect(await commitsOf(witness)).toEqual([
    { isTransaction: true, writes: [{ collection: 'items', after: { _id: 'b' } }] },
  ]);
});

test('what was undone, and what another database has, is not told', async () => {
  await using other = { db: await database.connect(), [Symbol.asyncDispose]: async () => undefined };
  const elsewhere = other.db.client.db(`${database.name}_2`);
  const witness = await Witness.begin(db);
  await using session = db.client.startSession();
  session.startTransaction();
  await items.updateOne({ _id: 'a' }, { $set: { n: 9 } }, { session });
  await elsewhere.collection<Item>('items').insertOne({ _id: 'x' });
  await session.abortTransaction();
  expect(await commitsOf(witness)).toEqual([]);
  await elsewhere.dropDatabase();
});

test('a write that is sent again, because its answer was an error, took effect once', async () => {
  const own = await database.connect({ appName: database.name, monitorCommands: true });
  let sent = 0;
  own.client.on('commandStarted', ({ commandName }) => void (sent += commandName === 'update' ? 1 : 0));
  const witness = await Witness.begin(db);
  await db.admin().command({
    configureFailPoint: 'failCommand',
    mode: { times: 1 },
    data: {
      failCommands: ['update'],
      appName: database.name,
      // The command runs, and its answer is an error for which the driver sends it again.
      writeConcernError: { code: 91, errmsg: 'made up', errorLabels: ['RetryableWriteError'] },
    },
  });
  await own.collection<Item>('items').updateOne({ _id: 'a' }, { $inc: { n: 1 } });
  await db.admin().command({ configureFailPoint: 'failCommand', mode: 'off' });
  expect(sent).toBe(2);
  expect(await commitsOf(witness)).toEqual([
    { isTransaction: false, writes: [{ collection: 'items', before: { _id: 'a', n: 1 }, after: { _id: 'a', n: 2 } }] },
  ]);
});

test('a transaction that is too large for one entry of the log is one commit', async () => {
  const text = 'x'.repeat(9_000_000);
  const witness = await Witness.begin(db);
  await inTransaction(async (_own, session) => {
    for (const _id of ['b', 'c'])
      await db.collection<{ _id: string }>('items').insertOne({ _id, text } as Item, session);
  });
  const commits = await commitsOf(witness);
  expect(commits.map(({ writes }) => writes.map(({ after }) => after?.['_id']))).toEqual([['b', 'c']]);
});

test('a collection that is dropped meanwhile is said, not passed over', async () => {
  const witness = await Witness.begin(db);
  await items.drop();
  await expect(commitsOf(witness)).rejects.toThrow('the log has drop between the writes of the run');
});

test('what says nothing is left out', async () => {
  const witness = await Witness.begin(db);
  await items.insertMany([{ _id: 'b' }, { _id: 'c' }]);
  const commits = await witness.read<Changes>((change) => (change.after?.['_id'] === 'c' ? change : undefined));
  expect(commits).toEqual([{ isTransaction: false, writes: [{ collection: 'items', after: { _id: 'c' } }] }]);
});

const SEED = Math.floor(Math.random() * 2 ** 31);
const RUNS = 200;

const value = fc.oneof(fc.integer({ min: 0, max: 9 }), fc.constant('text'), fc.constant({ x: 1, y: [1, 2] }));
const field = fc.constantFrom('n', 'list', 'part', 'part.x', 'part.y', 'part.y.0', 'part.z.x', 'list.1', 'later');
const update: fc.Arbitrary<Document | Document[]> = fc.oneof(
  fc.record({ field, value }).map(({ field: name, value: set }) => ({ $set: { [name]: set } })),
  field.map((name) => ({ $unset: { [name]: '' } })),
  value.map((item) => ({ $push: { list: item } })),
  fc.constant({ $pop: { list: 1 } }),
  fc.constant({ $inc: { n: 1 } }),
  fc.constant([{ $set: { list: { $slice: ['$list', 1] }, 'part.later': '$n' } }]),
  fc.constant([{ $unset: 'part.x' }]),
);

/** Some updates are in the log and change nothing. */
const changesOf = (texts: readonly string[]): string[] => texts.filter((text, index) => text !== texts[index - 1]);

test(`documents are told as the database has them, whatever the updates (seed ${SEED})`, async () => {
  const wild = db.collection<Document & { _id: string }>('wild');
  let updates = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(update, { minLength: 1, maxLength: 8 }), async (all) => {
      await wild.deleteMany({});
      await wild.insertOne({ _id: 'w', n: 1, list: [1, 2, 3], part: { x: 1, y: [1, { z: 2 }] } });
      const witness = await Witness.begin(db);
      const first = await wild.findOne({ _id: 'w' });
      const texts = [BSON.EJSON.stringify(first)];
      for (const one of all) {
        // Some do not fit the document as it is, and change nothing.
        await wild.updateOne({ _id: 'w' }, one).catch(() => undefined);
        texts.push(BSON.EJSON.stringify(await wild.findOne({ _id: 'w' })));
      }
      const told = (await commitsOf(witness)).map(({ writes: [write] }) => BSON.EJSON.stringify(write?.after));
      updates += told.length;
      expect(changesOf([texts[0] ?? '', ...told])).toEqual(changesOf(texts));
    }),
    { numRuns: RUNS, seed: SEED },
  );
  expect(updates).toBeGreaterThan(RUNS);
});
