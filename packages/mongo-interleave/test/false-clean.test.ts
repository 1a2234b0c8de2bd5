import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { MongoClient, MongoServerError, type Collection, type Db, type Document } from 'mongodb';
import { createTestDatabaseName, exploringSet } from 'test-kit';
import { afterAll, describe, expect, test } from 'vitest';
import { interleave, type FlowClient, type InterleaveOptions, type Outcome } from '../src/index.ts';

/* Flows whose only wrong orders swap two commands that look independent, and are not. Each was once told to be complete and clean. */

const { uri } = exploringSet();
const control = new MongoClient(uri);
afterAll(() => control.close());

type Scenario = Pick<InterleaveOptions<unknown>, 'flow' | 'reset' | 'check'> & Partial<InterleaveOptions<unknown>>;
type Item = { readonly _id: string } & Document;

const items = (db: Db): Collection<Item> => db.collection<Item>('items');
const elsewhere = (db: Db): Collection<Item> => items(db.client.db(`${db.databaseName}_other`));

const expectNoneThrew = (_db: Db, outcomes: readonly Outcome<unknown>[]): void => {
  const [threw] = outcomes.filter(({ kind }) => kind === 'threw');
  assert.equal(threw, undefined);
};

const fill =
  (...documents: Item[]) =>
  async (db: Db): Promise<void> => {
    await items(db).deleteMany({});
    if (documents.length > 0) await items(db).insertMany(documents);
  };

const activate = async ({ letter }: FlowClient, db: Db): Promise<unknown> =>
  items(db).updateOne({ _id: letter }, { $set: { active: true } });

const inactive = fill({ _id: 'A', user: 'u', active: false }, { _id: 'B', user: 'u', active: false });

const oneActivePerUser = (db: Db): Promise<string> =>
  items(db).createIndex({ user: 1 }, { unique: true, partialFilterExpression: { active: true } });

async function explore(scenario: Scenario, prepareDatabase: (db: Db) => Promise<unknown>) {
  const database = createTestDatabaseName('clean');
  await prepareDatabase(control.db(database));
  await using session = await interleave({ uri, database, clients: 2, ...scenario });
  return await session.explore();
}

describe('a violation is found', () => {
  test.each<[string, Scenario, (db: Db) => Promise<unknown>]>([
    [
      'two strings that a unique index with a collation takes for equal',
      {
        reset: fill(),
        flow: ({ letter }, db) => items(db).insertOne({ _id: letter, name: letter === 'A' ? 'Bob' : 'bob' }),
        check: (_db, [first]) => assert.equal(first?.kind, 'returned'),
      },
      (db) => items(db).createIndex({ name: 1 }, { unique: true, collation: { locale: 'en', strength: 2 } }),
    ],
    [
      "two _ids that a collection's collation takes for equal",
      {
        reset: fill(),
        flow: ({ letter }, db) => items(db).insertOne({ _id: letter === 'A' ? 'x' : 'X' }),
        check: (_db, [first]) => assert.equal(first?.kind, 'returned'),
      },
      (db) => db.createCollection('items', { collation: { locale: 'en', strength: 2 } }),
    ],
    [
      'two documents that come into a partial unique index',
      { reset: inactive, flow: activate, check: (_db, [first]) => assert.equal(first?.kind, 'returned') },
      oneActivePerUser,
    ],
    [
      'the same in transactions',
      {
        reset: inactive,
        flow: (client, db) =>
          client.mongo.withSession((session) =>
            session.withTransaction(() =>
              items(db).updateOne({ _id: client.letter }, { $set: { active: true } }, { session }),
            ),
          ),
        check: (_db, [first]) => assert.equal(first?.kind, 'returned'),
      },
      oneActivePerUser,
    ],
    [
      'the first document in the order of insertion',
      {
        reset: fill(),
        flow: async ({ letter }, db) => {
          await items(db).insertOne({ _id: letter, state: 'new' });
          return letter === 'A' ? items(db).findOne({ state: 'new' }) : undefined;
        },
        check: (_db, [first]) => assert.notEqual(first?.kind === 'returned' && (first.value as Item)._id, 'B'),
      },
      (db) => db.createCollection('items'),
    ],
    [
      'the first document among equal sort keys, deleted',
      {
        reset: fill(),
        flow: async ({ letter }, db) => {
          await items(db).insertOne({ _id: letter, at: 1 });
          return letter === 'A' ? items(db).findOneAndDelete({}, { sort: { at: 1 } }) : undefined;
        },
        check: (_db, [first]) => assert.notEqual(first?.kind === 'returned' && (first.value as Item)._id, 'B'),
      },
      (db) => db.createCollection('items'),
    ],
    [
      'a unique index in another database',
      {
        reset: async (db) => {
          await elsewhere(db).deleteMany({});
        },
        flow: ({ letter }, db) => elsewhere(db).insertOne({ _id: letter, name: 'x' }),
        check: (_db, [first]) => assert.equal(first?.kind, 'returned'),
      },
      (db) => elsewhere(db).createIndex({ name: 1 }, { unique: true }),
    ],
    [
      'two values of one array in another database',
      {
        reset: async (db) => {
          await elsewhere(db).deleteMany({});
          await elsewhere(db).insertOne({ _id: 'x', tags: ['A', 'B'] });
        },
        flow: ({ letter }, db) => elsewhere(db).deleteOne({ tags: letter }),
        check: (_db, [first]) =>
          assert.equal(first?.kind === 'returned' && (first.value as { deletedCount: number }).deletedCount, 1),
      },
      (db) => elsewhere(db).createIndex({ tags: 1 }),
    ],
    [
      'a cursor that joins what is changed between its batches',
      {
        reset: async (db) => {
          await fill({ _id: '1', price: 'p' }, { _id: '2', price: 'p' }, { _id: '3', price: 'p' })(db);
          await db.collection<Item>('prices').deleteMany({});
          await db.collection<Item>('prices').insertOne({ _id: 'p', value: 1 });
        },
        flow: async ({ letter }, db) => {
          if (letter === 'B') return db.collection<Item>('prices').updateOne({ _id: 'p' }, { $set: { value: 2 } });
          const join = { from: 'prices', localField: 'price', foreignField: '_id', as: 'prices' };
          const joined = await items(db)
            .aggregate([{ $sort: { _id: 1 } }, { $lookup: join }], { batchSize: 1 })
            .toArray();
          return joined.map(({ prices }) => (prices as Item[])[0]?.['value'] as number);
        },
        check: (_db, [first]) => {
          const values = first?.kind === 'returned' ? (first.value as number[]) : [];
          assert.equal(new Set(values).size, 1);
        },
      },
      (db) => db.createCollection('items'),
    ],
    [
      'an event that a change stream of a whole database sees',
      {
        reset: fill({ _id: 'x', n: 0 }),
        flow: async ({ letter }, db) => {
          if (letter === 'B') return items(db).updateOne({ _id: 'x' }, { $inc: { n: 1 } });
          const stream = db.watch([], { maxAwaitTimeMS: 1 });
          try {
            return [await stream.tryNext(), await stream.tryNext()].filter((event) => event !== null).length;
          } finally {
            await stream.close();
          }
        },
        check: (_db, [first]) => assert.equal(first?.kind === 'returned' && first.value, 0),
      },
      (db) => db.createCollection('items'),
    ],
    [
      'a value that is drawn anew in each run',
      {
        clients: 3,
        reset: fill({ _id: 'x', used: true }),
        flow: async ({ letter }, db) => {
          if (letter === 'A')
            return items(db).insertOne({ _id: 'token', token: randomBytes(8).toString('hex'), used: false });
          const found = await items(db).findOne({ _id: 'token' });
          if (found === null) return 'none';
          return (await items(db).updateOne({ token: found['token'], used: false }, { $set: { used: true } }))
            .modifiedCount;
        },
        check: (_db, [, second]) => assert.notEqual(second?.kind === 'returned' && second.value, 0),
      },
      (db) => items(db).createIndex({ token: 1 }),
    ],
    [
      'a value that two clients share in memory, drawn anew in each run',
      (() => {
        let shared = '';
        return {
          reset: async (db: Db) => {
            shared = randomBytes(8).toString('base64url');
            await items(db).deleteMany({});
          },
          flow: ({ letter }: FlowClient, db: Db) => items(db).insertOne({ _id: letter, name: shared }),
          check: (_db: Db, [first]: readonly Outcome<unknown>[]) => assert.equal(first?.kind, 'returned'),
        };
      })(),
      (db) => items(db).createIndex({ name: 1 }, { unique: true }),
    ],
    [
      'a write whose reply shows nothing of the document',
      {
        reset: fill({ _id: 'lock' }),
        flow: async ({ letter }, db) => {
          const options = { projection: { _id: 0, owner: 1 } };
          return JSON.stringify(
            await items(db).findOneAndUpdate({ _id: 'lock' }, { $set: { owner: letter } }, options),
          );
        },
        check: (_db, [first]) => assert.equal(first?.kind === 'returned' && first.value, '{}'),
      },
      (db) => db.createCollection('items'),
    ],
    [
      'the order of insertion, of documents that were changed since',
      {
        reset: fill(),
        flow: async ({ letter }, db) => {
          await items(db).insertOne({ _id: letter, state: 'draft' });
          await items(db).updateOne({ _id: letter }, { $set: { state: 'ready' } });
          return letter === 'A' ? items(db).findOne({ state: 'ready' }) : undefined;
        },
        check: (_db, [first]) => assert.notEqual(first?.kind === 'returned' && (first.value as Item)._id, 'B'),
      },
      (db) => db.createCollection('items'),
    ],
    [
      'the order of insertion, by an update that fails midway',
      {
        reset: fill(),
        flow: async ({ letter }, db) => {
          await items(db).insertOne({ _id: letter, n: letter === 'A' ? 0 : 'text' });
          if (letter === 'A')
            await items(db)
              .updateMany({}, { $inc: { n: 1 } })
              .catch(() => 'failed');
        },
        check: async (db) => assert.notEqual((await items(db).findOne({ _id: 'A' }))?.['n'], 0),
      },
      (db) => db.createCollection('items'),
    ],
    [
      'the order of insertion, by a lookup after a count',
      {
        reset: async (db) => {
          await items(db).deleteMany({});
          await db.collection('others').deleteMany({});
          await db.collection<Item>('others').insertOne({ _id: 'x' });
        },
        flow: async ({ letter }, db) => {
          await items(db).insertOne({ _id: letter });
          if (letter === 'B') return '';
          const lookup = { $lookup: { from: 'items', pipeline: [], as: 'found' } };
          const [counted] = await db
            .collection('others')
            .aggregate([{ $count: 'n' }, lookup])
            .toArray();
          return JSON.stringify(counted?.['found']);
        },
        check: (_db, [first]) => assert.doesNotMatch(String(first?.kind === 'returned' && first.value), /B.*A/),
      },
      (db) => db.createCollection('items'),
    ],
    [
      'equal increments, of which a validator refuses the second',
      {
        reset: fill({ _id: 'x', stock: 1 }),
        flow: (_client, db) => items(db).updateOne({ _id: 'x' }, { $inc: { stock: -1 } }),
        check: (_db, [first]) => assert.equal(first?.kind, 'returned'),
      },
      (db) => db.createCollection('items', { validator: { stock: { $gte: 0 } } }),
    ],
    [
      'increments that look alike as JSON',
      {
        reset: fill({ _id: 'x', list: [] }),
        flow: ({ letter }, db) => {
          const at = new Date(0);
          return items(db).updateOne({ _id: 'x' }, {
            $push: { list: letter === 'A' ? at : at.toISOString() },
          } as Document);
        },
        check: async (db) => {
          const found = await items(db).findOne({ _id: 'x' });
          assert.ok((found?.['list'] as unknown[] | undefined)?.[0] instanceof Date);
        },
      },
      (db) => db.createCollection('items'),
    ],
    [
      'two values of an array that an upsert takes from its filter',
      {
        reset: fill(),
        flow: async ({ letter, mongo }, db) => {
          if (letter === 'B') return (await items(db).deleteOne({ tags: 'y' })).deletedCount;
          const session = mongo.startSession();
          session.startTransaction();
          const filter = { _id: 'x', tags: ['x', 'y'] };
          await items(db).updateOne(filter, { $set: { b: 1 } }, { upsert: true, session });
          await session.commitTransaction();
          await session.endSession();
          return (await items(db).deleteOne({ tags: 'x' })).deletedCount;
        },
        check: (_db, [, second]) => assert.equal(second?.kind === 'returned' && second.value, 0),
      },
      (db) => db.createCollection('items'),
    ],
    [
      'a document that is read twice, after a loop that looks the same',
      {
        reset: fill(),
        flow: async ({ letter }, db) => {
          if (letter === 'B') {
            await items(db).insertOne({ _id: 'r', n: 0 });
            return items(db).updateOne({ _id: 'r' }, { $set: { n: 1 } });
          }
          let found = await items(db).findOne({ _id: 'r' });
          while (found === null) found = await items(db).findOne({ _id: 'r' });
          if (found['n'] === 1) return 'fine';
          return (await items(db).findOne({ _id: 'r' }))?.['n'] === 0 ? 'read too early' : 'fine';
        },
        check: (_db, [first]) => assert.equal(first?.kind === 'returned' && first.value, 'fine'),
      },
      (db) => db.createCollection('items'),
    ],
  ])('%s', { timeout: 30_000 }, async (_what, scenario, prepareDatabase) => {
    const { violations, complete } = await explore(scenario, prepareDatabase);
    expect(violations.length).toBeGreaterThan(0);
    expect(complete).toBe(true);
  });
});

test('a transaction, and a write outside it that would take the same place in a partial index', async () => {
  const { violations, complete } = await explore(
    {
      reset: inactive,
      flow: async (client, db) => {
        const { letter, mongo } = client;
        if (letter === 'B')
          return activate(client, db).catch((error: unknown) => error instanceof MongoServerError && error.code);
        await using session = mongo.startSession();
        session.startTransaction();
        await items(db).updateOne({ _id: 'A' }, { $set: { active: true } }, { session });
        await items(db).findOne({ _id: 'A' }, { session });
        await session.commitTransaction();
        return 'committed';
      },
      check: expectNoneThrew,
    },
    oneActivePerUser,
  );
  expect({ complete, violations: violations.length }).toEqual({ complete: true, violations: expect.any(Number) });
});

test('a document that is read again after it was waited for is no endless loop', async () => {
  const { violations, complete } = await explore(
    {
      reset: fill(),
      flow: async ({ letter }, db) => {
        if (letter === 'B') return items(db).insertOne({ _id: 'r' });
        while ((await items(db).findOne({ _id: 'r' })) === null);
        return items(db).findOne({ _id: 'r' });
      },
      check: expectNoneThrew,
    },
    (db) => db.createCollection('items'),
  );
  expect({ violations, complete }).toEqual({ violations: [], complete: true });
});

test('two workers, and a database that is named after the own one', async () => {
  const found: number[] = [];
  for (const workers of [1, 2]) {
    const database = createTestDatabaseName('clean');
    const audit = (db: Db): Collection<Item> => items(db.client.db(`rotation_audit_${db.databaseName}`));
    await using session = await interleave({
      uri,
      database,
      clients: 3,
      reset: async (db) => {
        await audit(db).deleteMany({});
        await audit(db).insertOne({ _id: 'x', n: 0 });
      },
      flow: async (_client, db) => {
        const document = await audit(db).findOne({ _id: 'x' });
        await audit(db).updateOne({ _id: 'x' }, { $set: { n: Number(document?.['n']) + 1 } });
      },
      check: () => undefined,
    });
    found.push((await session.explore({ workers })).classes);
    for (const name of [database, `${database}_2`]) await control.db(`rotation_audit_${name}`).dropDatabase();
  }
  expect(found[1]).toBe(found[0]);
});
