import { Double, Long, MongoClient, type Collection, type Db, type Document } from 'mongodb';
import { createTestDatabaseName, exploringSet } from 'test-kit';
import { afterAll, expect, test } from 'vitest';
import { interleave, type FlowClient, type InterleaveOptions } from '../src/index.ts';

/* Flows whose classes once gave fewer results than all orders give, although the search was told to be complete. */

const { uri } = exploringSet();
const control = new MongoClient(uri);
afterAll(() => control.close());

type Item = { readonly _id: string } & Document;
type Scenario = Pick<InterleaveOptions<unknown>, 'flow' | 'reset'>;

const items = (db: Db): Collection<Item> => db.collection<Item>('items');
const log = (db: Db): Collection<Item> => db.collection<Item>('log');

/** A race of its own, so that nothing can be said for want of one. */
const takeTurn = (db: Db): Promise<unknown> =>
  log(db)
    .findOneAndUpdate({ _id: 'l' }, { $inc: { n: 1 } })
    .then((before) => before?.['n'] as unknown);

async function reset(db: Db, ...documents: Item[]): Promise<void> {
  await items(db).deleteMany({});
  await log(db).deleteMany({});
  await log(db).insertOne({ _id: 'l', n: 0 });
  if (documents.length > 0) await items(db).insertMany(documents);
}

/** What anybody can see, in all orders or in one order of each class. */
async function resultsOf(scenario: Scenario, limits: { readonly maxPreemptions?: number }): Promise<string[]> {
  const results = new Set<string>();
  let result = '';
  await using session = await interleave({
    uri,
    database: createTestDatabaseName('orders'),
    clients: 2,
    ...scenario,
    check: async (db, outcomes) => {
      const all = await items(db)
        .find({}, { projection: { token: 0 } })
        .sort({ _id: 1 })
        .toArray();
      result = JSON.stringify([outcomes, all]);
    },
  });
  const { complete } = await session.explore({ ...limits, onClass: () => void results.add(result) });
  expect(complete).toBe(true);
  return [...results].toSorted();
}

let indexCount = 0;

/** A start value that differs from run to run, and comes back. */
function drawnFrom(tokens: readonly unknown[]): Scenario {
  let run = 0;
  let token: unknown;
  return {
    reset: async (db) => {
      token = tokens[run++ % tokens.length];
      await reset(db, { _id: 'x', token });
    },
    flow: async ({ letter }: FlowClient, db) => [
      await takeTurn(db),
      letter === 'A'
        ? (await items(db).findOneAndDelete({ _id: 'x' })) !== null
        : await items(db).countDocuments({ token }),
    ],
  };
}

const incrementOf = async (db: Db, filter: Document, hint?: Document): Promise<unknown> =>
  items(db)
    .updateOne(filter, { $inc: { n: 1 } }, hint === undefined ? {} : { hint })
    .then(({ modifiedCount }) => modifiedCount);

const twoOfAKind = async (db: Db): Promise<void> => {
  await reset(db, { _id: 'x', kind: 'k', n: 0 }, { _id: 'y', kind: 'k', n: 0.5 });
  await items(db).createIndex({ kind: 1, n: 1 });
  await items(db).createIndex({ n: 1 });
};

test.each<[string, Scenario]>([
  ['a start value that alternates', drawnFrom(['a', 'b'])],
  ['a number that alternates', drawnFrom([0, 1])],
  ['a flag that alternates', drawnFrom([false, true])],
  ['a value that is null once in a while', drawnFrom([null, 'a', 'a'])],
  ['a start value that comes back later', drawnFrom(['a', 'b', 'b', 'a'])],
  ['a start value that is another one from the third run on', drawnFrom(['a', 'a', 'b', 'a'])],
  ['a start value that is another one once in a while', drawnFrom(['a', 'a', 'a', 'a', 'b'])],
  [
    'equal increments of documents that an index chooses',
    {
      reset: twoOfAKind,
      flow: async ({ letter }, db) => [
        await takeTurn(db),
        await incrementOf(db, letter === 'A' ? { _id: 'x' } : { kind: 'k' }),
      ],
    },
  ],
  [
    'equal increments of documents that a hint chooses',
    {
      reset: twoOfAKind,
      flow: async ({ letter }, db) => [
        await takeTurn(db),
        await (letter === 'A' ? incrementOf(db, { _id: 'x' }) : incrementOf(db, {}, { n: 1 })),
      ],
    },
  ],
  [
    'equal increments of which the second is refused, for the number is too large',
    {
      reset: (db) => reset(db, { _id: 'x', n: Long.MAX_VALUE.subtract(1) }),
      flow: async (_client, db) => [await takeTurn(db), await incrementOf(db, { _id: 'x' }).catch(() => 'refused')],
    },
  ],
  [
    'equal increments that are refused until another command makes them possible',
    {
      reset: (db) => reset(db, { _id: 'x', n: 'text' }),
      flow: async ({ letter }, db) => [
        await takeTurn(db),
        letter === 'A' ? await items(db).updateOne({ _id: 'x' }, { $set: { n: 0 } }) : '',
        await incrementOf(db, { _id: 'x' }).catch(() => 'refused'),
      ],
    },
  ],
  ...(
    [
      ['a sparse index', { n: 1 }, { sparse: true }, { _id: 'x' }],
      ['a partial index', { n: 1 }, { partialFilterExpression: { n: { $gte: 1 } } }, { _id: 'x', n: 0 }],
    ] as const
  ).map(([what, key, options, document]): [string, Scenario] => [
    `equal increments by _id, one with a hint to ${what}`,
    {
      reset: async (db) => {
        await reset(db, document);
        await items(db).createIndex(key, options);
      },
      flow: async ({ letter }, db) => {
        const turn = await takeTurn(db);
        const { matchedCount } = await items(db).updateOne(
          { _id: 'x' },
          { $inc: { n: 1 } },
          letter === 'A' ? {} : { hint: key },
        );
        return [turn, matchedCount];
      },
    },
  ]),
  [
    'equal increments by _id, one with a collation',
    {
      reset: async (db) => {
        await reset(db, { _id: 'x', n: 0 }, { _id: 'X', n: 0.5 });
        await items(db).createIndex({ n: 1 });
      },
      flow: async ({ letter }, db) => {
        const folding = { collation: { locale: 'en', strength: 2 as const }, hint: { n: 1 } };
        const turn = await takeTurn(db);
        await items(db).updateOne({ _id: 'x' }, { $inc: { n: 1 } }, letter === 'A' ? {} : folding);
        return turn;
      },
    },
  ],
  [
    'increments that are equal but for the types of their numbers',
    {
      reset: (db) => reset(db, { _id: 'x', n: Long.fromString('9007199254740993') }),
      flow: async ({ letter }, db) => {
        const turn = await takeTurn(db);
        await items(db).updateOne({ _id: 'x' }, { $inc: { n: letter === 'A' ? 1 : new Double(1) } });
        return turn;
      },
    },
  ],
  [
    'an increment that no longer changes the number',
    {
      reset: (db) => reset(db, { _id: 'x', n: new Double(9007199254740991) }),
      flow: async (_client, db) => [await takeTurn(db), await incrementOf(db, { _id: 'x' })],
    },
  ],
  [
    'a transaction with a write of which no rule tells',
    {
      reset: (db) => reset(db, { _id: 'x', n: 0 }),
      flow: async ({ letter, mongo }, db) => {
        if (letter === 'B')
          return [(await log(db).findOne({ _id: 'l' }))?.['n'], (await items(db).findOne({ _id: 'x' }))?.['n']];
        const session = mongo.startSession();
        session.startTransaction();
        const write = { findandmodify: 'items', query: { _id: 'x' }, update: { $set: { n: 1 } } };
        await db.command(write, { session });
        await log(db).updateOne({ _id: 'l' }, { $set: { n: 5 } });
        await session.commitTransaction();
        await session.endSession();
        return '';
      },
    },
  ],
  [
    'a read and a write that finds nothing, sent at once, whose order the client remembers',
    {
      reset: (db) => reset(db, { _id: 'x' }, { _id: 'z' }),
      flow: async ({ letter }, db) => {
        if (letter === 'B') return items(db).findOne({ _id: 'z' });
        const order: string[] = [];
        await Promise.all([
          items(db)
            .findOne({ _id: 'x' })
            .then(() => order.push('read')),
          items(db)
            .deleteOne({ _id: 'nope' })
            .then(() => order.push('write')),
        ]);
        return items(db).updateOne({ _id: 'z' }, { $set: { order: order.join(' ') } });
      },
    },
  ],
])('the classes give what all orders give: %s', async (_what, scenario) => {
  expect(await resultsOf(scenario, {})).toEqual(await resultsOf(scenario, { maxPreemptions: 24 }));
});

/*
 * What waits at the gate for a transaction is left out of all orders too, so these results are written down. Without the gate none of these
 * commands waits for a transaction that has touched other collections only.
 */
test.each<[string, (db: Db) => Promise<unknown>]>([
  ['a find', (db) => items(db).findOne({ _id: 'x' })],
  ['a find in a view', (db) => db.collection('view').findOne({})],
  ['a find in a capped collection', (db) => db.collection('capped').findOne({})],
  ['an insert that makes a collection', (db) => db.collection('made').insertOne({})],
  ['an index', (db) => db.collection('indexed').createIndex({ [`n${indexCount++}`]: 1 })],
  [
    '$merge',
    (db) =>
      items(db)
        .aggregate([{ $match: { none: 1 } }, { $merge: { into: 'merged' } }])
        .toArray(),
  ],
  ['listDatabases', (db) => db.admin().listDatabases({ nameOnly: true })],
  ['findandmodify', (db) => db.command({ findandmodify: 'indexed', query: { _id: 'x' }, update: { $set: { n: 1 } } })],
])('is not held back by a transaction on other collections: %s', async (_what, command) => {
  const seen = new Set<string>();
  const database = createTestDatabaseName('held');
  const scenario: Scenario = {
    reset: async (db) => {
      await db.dropDatabase();
      await reset(db, { _id: 'x', n: 0 });
      await db.createCollection('view', { viewOn: 'items', pipeline: [] });
      await db.createCollection('capped', { capped: true, size: 1_000 });
      await db.createCollection('indexed');
    },
    flow: async ({ letter, mongo }, db) => {
      if (letter === 'B') {
        const turn = (await log(db).findOne({ _id: 'l' }))?.['n'] as unknown;
        await command(db);
        return [turn, (await items(db).findOne({ _id: 'x' }))?.['n']];
      }
      const session = mongo.startSession();
      session.startTransaction();
      await items(db).updateOne({ _id: 'x' }, { $set: { n: 1 } }, { session });
      await log(db).updateOne({ _id: 'l' }, { $set: { n: 5 } });
      await session.commitTransaction();
      await session.endSession();
      return '';
    },
  };
  await using session = await interleave({
    uri,
    database,
    clients: 2,
    ...scenario,
    check: (_db, [, outcome]) => void seen.add(outcome?.kind === 'returned' ? String(outcome.value) : 'threw'),
  });
  expect((await session.explore()).complete).toBe(true);
  expect([...seen].toSorted()).toEqual(['0,0', '0,1', '5,0', '5,1']);
});

test('a client that reads a view or makes a collection beside its own transaction does not wait for itself', async () => {
  await using session = await interleave({
    uri,
    database: createTestDatabaseName('own'),
    clients: 2,
    reset: async (db) => {
      await db.dropDatabase();
      await reset(db, { _id: 'x', n: 0 });
      await db.createCollection('view', { viewOn: 'items', pipeline: [] });
    },
    flow: async ({ letter, mongo }, db) => {
      if (letter === 'B') return takeTurn(db);
      const own = mongo.startSession();
      own.startTransaction();
      await items(db).updateOne({ _id: 'x' }, { $set: { n: 1 } }, { session: own });
      await db.collection('view').findOne({});
      await db.collection('made').insertOne({});
      await own.commitTransaction();
      await own.endSession();
      return takeTurn(db);
    },
    check: () => undefined,
  });
  expect(await session.explore()).toMatchObject({ complete: true, violations: [] });
});
