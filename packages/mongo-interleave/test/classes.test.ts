import type { Collection, Db } from 'mongodb';
import { createTestDatabaseName, exploringSet } from 'test-kit';
import { describe, expect, test } from 'vitest';
import { interleave, type FlowClient } from '../src/index.ts';

/* How many classes there are where commands are known to commute: fewer would leave something out, more would waste runs. */

interface Item {
  readonly _id: string | number;
  readonly n?: number;
  readonly list?: string[];
}
const items = (db: Db): Collection<Item> => db.collection<Item>('items');

async function reset(db: Db): Promise<void> {
  await items(db).createIndex({ n: 1 });
  await items(db).deleteMany({});
  await db.collection('others').deleteMany({});
  await items(db).insertMany([{ _id: 'x', n: 0, list: [] }, { _id: 'y' }]);
  await db.collection<Item>('others').insertMany([{ _id: 'x' }, { _id: 'y' }]);
}

const open = (clients: number, flow: (client: FlowClient, db: Db) => Promise<unknown>) =>
  interleave({
    uri: exploringSet().uri,
    database: createTestDatabaseName('classes'),
    clients,
    reset,
    flow,
    check: () => undefined,
  });

const repeat = <V>(count: number, make: (index: number) => V): V[] =>
  Array.from({ length: count }, (_, index) => make(index));

describe('classes', () => {
  test.each<[string, number, number, (client: FlowClient, db: Db) => Promise<unknown>]>([
    [
      'three indexes that are there, and a find',
      2,
      1,
      async (_client, db) => {
        for (let count = 0; count < 3; count++) await items(db).createIndex({ n: 1 });
        return items(db).findOne({ _id: 'x' });
      },
    ],
    [
      'three lookups, and an insert elsewhere',
      2,
      1,
      async ({ letter }, db) => {
        const lookup = { $lookup: { from: 'others', localField: '_id', foreignField: '_id', as: 'others' } };
        for (let count = 0; count < 3; count++)
          await items(db)
            .aggregate([{ $match: { _id: 'x' } }, lookup])
            .toArray();
        return items(db).insertOne({ _id: letter });
      },
    ],
    [
      'four reads of one client at once, and a write elsewhere',
      2,
      1,
      async ({ letter }, db) => {
        await Promise.all(repeat(4, (index) => items(db).findOne({ _id: index })));
        return items(db).insertOne({ _id: letter });
      },
    ],
    [
      'two reads of one client at once, and a write that both see',
      2,
      4,
      ({ letter }, db) =>
        letter === 'B'
          ? items(db).updateOne({ _id: 'x' }, { $set: { n: 1 } })
          : Promise.all([items(db).findOne({ _id: 'x' }), items(db).findOne({ _id: 'x' }, { projection: { n: 1 } })]),
    ],
    [
      'the same increment by three clients',
      3,
      1,
      (_client, db) => items(db).updateOne({ _id: 'x' }, { $inc: { n: 1 } }),
    ],
    [
      'the same increment by two clients, and a read of one of them',
      2,
      2,
      async ({ letter }, db) => {
        await items(db).updateOne({ _id: 'x' }, { $inc: { n: 1 } });
        return letter === 'A' ? items(db).findOne({ _id: 'x' }) : undefined;
      },
    ],
    [
      'pushes of different values by three clients',
      3,
      6,
      ({ letter }, db) => items(db).updateOne({ _id: 'x' }, { $push: { list: letter } }),
    ],
    ['inserts that nobody looks at by three clients', 3, 1, ({ letter }, db) => items(db).insertOne({ _id: letter })],
    [
      'inserts of two clients, and both list them',
      2,
      4,
      async ({ letter }, db) => {
        await items(db).insertOne({ _id: letter });
        return items(db).find({}).toArray();
      },
    ],
    [
      'inserts of two clients, and both list them in order',
      2,
      3,
      async ({ letter }, db) => {
        await items(db).insertOne({ _id: letter });
        return items(db)
          .find({}, { sort: { _id: 1 } })
          .toArray();
      },
    ],
  ])('%s: %i clients, %i', { timeout: 30_000 }, async (_what, clients, expected, flow) => {
    await using session = await open(clients, flow);
    const { classes, complete } = await session.explore();
    expect({ classes, complete }).toEqual({ classes: expected, complete: true });
  });
});

test('the cost of a run grows with the documents, not with their square', { timeout: 120_000 }, async () => {
  const secondsOf = async (documents: number): Promise<number> => {
    await using session = await open(2, async ({ letter }, db) => {
      await items(db).insertMany(repeat(documents, (index) => ({ _id: `${letter}${index}`, n: index })));
    });
    await session.run('v1:AB');
    const { seconds } = await session.explore();
    return seconds;
  };
  const [few, many] = [await secondsOf(1_000), await secondsOf(8_000)];
  expect(many / few).toBeLessThan(24);
});
