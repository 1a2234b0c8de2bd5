import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MongoClient, type Collection, type Db, type Document } from 'mongodb';
import { createTestDatabaseName, exploringSet } from 'test-kit';
import { afterAll, describe, expect, test } from 'vitest';
import {
  interleave,
  type ExploreOptions,
  type FlowClient,
  type InterleaveOptions,
  type Outcome,
} from '../src/index.ts';

/*
 * Names and values that are drawn anew in each run: what one run has shown of a command is compared with commands of another run. Each
 * case compares the results of all orders, one by one, with the results of one order of each class.
 */

const { uri } = exploringSet();
const control = new MongoClient(uri);
const databases: string[] = [];
afterAll(async () => {
  for (const name of databases) await control.db(name).dropDatabase();
  await control.close();
});

type Item = { readonly _id: string } & Document;

/** A flow, and a reset that returns what the clients share in memory. */
interface Case {
  readonly clients?: number;
  readonly reset: (db: Db, run: number) => Promise<string>;
  readonly flow: (client: FlowClient, db: Db, shared: string) => Promise<unknown>;
}

const items = (db: Db, name = 'items'): Collection<Item> => db.collection<Item>(name);
const elsewhere = (db: Db, name = 'other'): Db => db.client.db(`${db.databaseName}_${name}`);

/** Two names that change places with each run. */
const swapped = (run: number): string => (run % 2 === 0 ? 'fa fb' : 'fb fa');

/** A command that comes before those that matter, so that their names are not at the gate when the other client begins. */
const lookAway = (db: Db): Promise<Item | null> => items(db, 'away').findOne({ _id: 'x' });

const drawn = (): string => `t${randomBytes(9).toString('hex')}`;

async function dropAll(db: Db): Promise<void> {
  for (const { name } of await db.listCollections().toArray()) await db.dropCollection(name);
}

/** @returns its name */
async function makeCollection(db: Db): Promise<string> {
  const name = drawn();
  await db.createCollection(name);
  return name;
}

async function fill(collection: Collection<Item>, ...documents: Item[]): Promise<void> {
  await collection.deleteMany({});
  if (documents.length > 0) await collection.insertMany(documents);
}

/** Of each client: what it returned, or that it threw. */
const resultOf = (outcomes: readonly Outcome<unknown>[]): string =>
  JSON.stringify(outcomes.map((outcome) => (outcome.kind === 'returned' ? outcome.value : outcome.kind)));

function optionsOf({ clients = 2, reset, flow }: Case, results: Set<string>): InterleaveOptions<unknown> {
  const database = createTestDatabaseName('drawn');
  databases.push(`${database}_other`);
  let [shared, run] = ['', 0];
  return {
    uri,
    database,
    clients,
    reset: async (db) => {
      shared = await reset(db, run++);
    },
    flow: (client, db) => flow(client, db, shared),
    check: (_db, outcomes) => void results.add(resultOf(outcomes)),
  };
}

/** @returns the results that no explored class has */
async function missedBy(one: Case, limits: ExploreOptions<unknown> = {}): Promise<string[]> {
  const results = new Set<string>();
  await using session = await interleave(optionsOf(one, results));
  const orders = await session.explore({ maxPreemptions: 24 });
  expect(orders.complete).toBe(true);
  const all = [...results];
  // A session of its own, so that what is drawn later is later in its runs too.
  const explored = new Set<string>();
  await using other = await interleave(optionsOf(one, explored));
  const { complete } = await other.explore(limits);
  expect(complete).toBe(true);
  expect(all.length).toBeGreaterThan(1);
  return all.filter((result) => !explored.has(result));
}

describe('no class is left out', () => {
  test.each<[string, Case]>([
    [
      'a field that clients share in memory, inserted and counted',
      {
        reset: async (db) => {
          await fill(items(db));
          return `f_${randomUUID()}`;
        },
        flow: async ({ letter }, db, field) =>
          letter === 'A'
            ? (await items(db).insertOne({ _id: 'x', [field]: 1 })).acknowledged
            : items(db).countDocuments({ [field]: 1 }),
      },
    ],
    [
      'a field that is found in a document, and taken away with it',
      {
        clients: 3,
        reset: async (db) => {
          await fill(items(db));
          return '';
        },
        flow: async ({ letter }, db) => {
          if (letter === 'A') return (await items(db).insertOne({ _id: 'slot', [drawn()]: 'free' })).acknowledged;
          const found = await items(db).findOne({ _id: 'slot' });
          if (found === null) return 'none';
          const [, field = ''] = Object.keys(found);
          return (await items(db).findOneAndDelete({ [field]: 'free' })) !== null;
        },
      },
    ],
    [
      'a field of the start state',
      {
        reset: async (db) => {
          const field = drawn();
          await fill(items(db), { _id: 'x', [field]: 1 });
          return field;
        },
        flow: async ({ letter }, db, field) => {
          if (letter === 'A') return (await items(db).findOneAndDelete({ _id: 'x' })) !== null;
          await lookAway(db);
          return items(db).countDocuments({ [field]: 1 });
        },
      },
    ],
    [
      'a field of the start state in another database',
      {
        reset: async (db) => {
          const field = drawn();
          await fill(items(elsewhere(db)), { _id: 'x', [field]: 1 });
          return field;
        },
        flow: async ({ letter }, db, field) => {
          if (letter === 'A') return (await items(elsewhere(db)).findOneAndDelete({ _id: 'x' })) !== null;
          await lookAway(db);
          return items(elsewhere(db)).countDocuments({ [field]: 1 });
        },
      },
    ],
    [
      'a field of the start state that holds an array',
      {
        reset: async (db) => {
          const field = drawn();
          await fill(items(db), { _id: 'x', [field]: ['A', 'B'] });
          return field;
        },
        flow: async ({ letter }, db, field) => (await items(db).deleteOne({ [field]: letter })).deletedCount,
      },
    ],
    [
      'a field that an update renames',
      {
        reset: async (db) => {
          await fill(items(db), { _id: 'x', n: 1 });
          return drawn();
        },
        flow: async ({ letter }, db, field) =>
          letter === 'A'
            ? (
                await items(db).findOneAndUpdate({ _id: 'x' }, { $rename: { n: field } }, { returnDocument: 'after' })
              )?.['n']
            : items(db).countDocuments({ [field]: 1 }),
      },
    ],
    [
      'one of few fields',
      {
        reset: async (db, run) => {
          await fill(items(db));
          return `f${(run * 7) % 5}`;
        },
        flow: async ({ letter }, db, field) =>
          letter === 'A'
            ? (await items(db).insertOne({ _id: 'x', [field]: 1 })).acknowledged
            : items(db).countDocuments({ [field]: 1 }),
      },
    ],
    [
      'two fields that change places, inserted and counted',
      {
        reset: async (db, run) => {
          await fill(items(db));
          return swapped(run);
        },
        flow: async ({ letter }, db, fields) => {
          const [mine = '', other = ''] = fields.split(' ');
          if (letter === 'A') return (await items(db).insertOne({ _id: 'x', [mine]: 1 })).acknowledged;
          await items(db, 'away').findOne({ [other]: 1 });
          return items(db).countDocuments({ [mine]: 1 });
        },
      },
    ],
    [
      'two fields of the start state that change places',
      {
        reset: async (db, run) => {
          const [mine = '', other = ''] = swapped(run).split(' ');
          await fill(items(db), { _id: 'x', [mine]: 1 }, { _id: 'y', [other]: 1 });
          return swapped(run);
        },
        flow: async ({ letter }, db, fields) => {
          const [mine = '', other = ''] = fields.split(' ');
          if (letter === 'A') return (await items(db).findOneAndDelete({ _id: 'x' })) !== null;
          await items(db, 'away').findOne({ [other]: 1 });
          return items(db).countDocuments({ [mine]: 1 });
        },
      },
    ],
    [
      'two fields that are in each start state, and change places in the commands',
      {
        reset: async (db, run) => {
          await fill(items(db), { _id: 'x', fa: 1, fb: 1 });
          return swapped(run);
        },
        flow: async ({ letter }, db, fields) => {
          const [mine = '', other = ''] = fields.split(' ');
          if (letter === 'A') return (await items(db).updateOne({ _id: 'x' }, { $set: { [mine]: 2 } })).modifiedCount;
          await items(db, 'away').findOne({ [other]: 1 });
          return items(db).countDocuments({ [mine]: 1 });
        },
      },
    ],
    [
      'two fields that change places in an update that renames',
      {
        reset: async (db, run) => {
          await fill(items(db), { _id: 'x', n: 1 });
          return swapped(run);
        },
        flow: async ({ letter }, db, fields) => {
          const [mine = '', other = ''] = fields.split(' ');
          if (letter === 'A') return (await items(db).updateOne({ _id: 'x' }, { $rename: { n: mine } })).modifiedCount;
          await items(db, 'away').findOne({ [other]: 1 });
          return items(db).countDocuments({ [mine]: 1 });
        },
      },
    ],
    [
      'two values that change places, appended to one array',
      {
        reset: async (db, run) => {
          await fill(items(db), { _id: 'x', list: [] });
          return swapped(run);
        },
        flow: async ({ letter }, db, values) => {
          const list = values.split(' ');
          const push: Document = { list: list[letter === 'A' ? 0 : 1] };
          await items(db).updateOne({ _id: 'x' }, { $push: push });
          const found = await items(db).findOne({ _id: 'x' });
          const pushed = found?.['list'] as string[] | undefined;
          return pushed?.map((value) => list.indexOf(value));
        },
      },
    ],
    [
      'a collection that a flow makes',
      {
        reset: async (db) => {
          await dropAll(db);
          return drawn();
        },
        flow: async ({ letter }, db, name) =>
          letter === 'A'
            ? (await items(db, name).insertOne({ _id: 'x' })).acknowledged
            : items(db, name).countDocuments({}),
      },
    ],
    [
      'a collection that the reset makes',
      {
        reset: async (db) => {
          await dropAll(db);
          return makeCollection(db);
        },
        flow: async ({ letter }, db, name) =>
          letter === 'A'
            ? (await items(db, name).insertOne({ _id: 'x' })).acknowledged
            : items(db, name).countDocuments({}),
      },
    ],
    [
      'a collection whose order of insertion is seen',
      {
        reset: async (db) => {
          await dropAll(db);
          return makeCollection(db);
        },
        flow: async ({ letter }, db, name) => {
          await items(db, name).insertOne({ _id: letter });
          return letter === 'A' ? (await items(db, name).find().toArray()).map(({ _id }) => _id) : '';
        },
      },
    ],
    [
      'a collection for each client, named in a document, and looked up',
      {
        reset: async (db) => {
          await dropAll(db);
          const name = await makeCollection(db);
          await fill(items(db, 'jobs'), { _id: 'job', name });
          return name;
        },
        flow: async ({ letter }, db) => {
          const job = await items(db, 'jobs').findOne({ _id: 'job' });
          const name = String(job?.['name']);
          if (letter === 'A') return (await items(db, name).insertOne({ _id: 'x' })).acknowledged;
          const lookup = { $lookup: { from: name, pipeline: [], as: 'found' } };
          const [found] = await items(db, 'jobs').aggregate([lookup]).toArray();
          return (found?.['found'] as unknown[] | undefined)?.length;
        },
      },
    ],
    [
      'a collection and a field in transactions',
      {
        reset: async (db) => {
          await dropAll(db);
          const name = drawn();
          await items(db, name).insertOne({ _id: 'x', [name]: 1 });
          return name;
        },
        flow: async ({ letter, mongo }, db, name) => {
          if (letter === 'B') {
            await lookAway(db);
            return items(db, name).countDocuments({ [name]: 1 });
          }
          await using session = mongo.startSession();
          session.startTransaction();
          const found = await items(db, name).findOneAndDelete({ _id: 'x' }, { session });
          await session.commitTransaction();
          return found !== null;
        },
      },
    ],
    [
      'a database',
      {
        reset: async (db) => {
          const name = drawn();
          databases.push(`${db.databaseName}_${name}`);
          await elsewhere(db, name).createCollection('items');
          return name;
        },
        flow: async ({ letter }, db, name) =>
          letter === 'A'
            ? (await items(elsewhere(db, name)).insertOne({ _id: 'x' })).acknowledged
            : items(elsewhere(db, name)).countDocuments({}),
      },
    ],
    [
      'a value of the start state that is drawn from the third run on',
      {
        reset: async (db, run) => {
          const token = run < 2 ? 'token' : drawn();
          await fill(items(db), { _id: 'x', token });
          return token;
        },
        flow: async ({ letter }, db, token) => {
          if (letter === 'A') return (await items(db).findOneAndDelete({ _id: 'x' })) !== null;
          await lookAway(db);
          return items(db).countDocuments({ token });
        },
      },
    ],
    [
      'a number of the start state that is drawn from the third run on',
      {
        reset: async (db, run) => {
          const code = run < 2 ? 7 : Math.floor(Math.random() * 1e9);
          await fill(items(db), { _id: 'x', code });
          return String(code);
        },
        flow: async ({ letter }, db, code) => {
          if (letter === 'A') return (await items(db).findOneAndDelete({ _id: 'x' })) !== null;
          await lookAway(db);
          return items(db).countDocuments({ code: Number(code) });
        },
      },
    ],
    [
      'a value of the start state of another database',
      {
        reset: async (db) => {
          const token = drawn();
          await fill(items(elsewhere(db)), { _id: 'x', token });
          return token;
        },
        flow: async ({ letter }, db, token) => {
          if (letter === 'A') return (await items(elsewhere(db)).findOneAndDelete({ _id: 'x' })) !== null;
          await lookAway(db);
          return items(elsewhere(db)).countDocuments({ token });
        },
      },
    ],
    [
      'the same where each run makes a collection',
      {
        reset: async (db) => {
          await dropAll(db);
          const token = drawn();
          await fill(items(elsewhere(db)), { _id: 'x', token });
          return token;
        },
        flow: async ({ letter }, db, token) => {
          if (letter === 'A') {
            await items(db, 'made').insertOne({ _id: 'x' });
            return (await items(elsewhere(db)).findOneAndDelete({ _id: 'x' })) !== null;
          }
          await lookAway(db);
          return items(elsewhere(db)).countDocuments({ token });
        },
      },
    ],
    [
      'values of the start state that change places from the third run on',
      {
        reset: async (db, run) => {
          const [one = '', other = ''] = run < 2 ? ['a', 'b'] : ['b', 'a'];
          await fill(items(db), { _id: 'x', token: one }, { _id: 'y', token: other });
          return one;
        },
        flow: async ({ letter }, db, token) => {
          if (letter === 'A') return (await items(db).findOneAndDelete({ _id: 'x' })) !== null;
          await lookAway(db);
          return items(db).countDocuments({ token });
        },
      },
    ],
    [
      'an array of the start state that is there from the third run on',
      {
        reset: async (db, run) => {
          await fill(items(db), run < 2 ? { _id: 'x', tags: 'A' } : { _id: 'x', tags: ['A', 'B'] });
          return '';
        },
        flow: async ({ letter }, db) => (await items(db).deleteOne({ tags: letter })).deletedCount,
      },
    ],
    [
      'a unique index of the start state that is there from the third run on',
      {
        reset: async (db, run) => {
          await fill(items(db));
          if (run === 0) await items(db).dropIndexes();
          if (run === 2) await items(db).createIndex({ name: 1 }, { unique: true });
          return '';
        },
        flow: async ({ letter }, db) =>
          items(db)
            .insertOne({ _id: letter, name: 'x' })
            .then(
              () => 'inserted',
              () => 'refused',
            ),
      },
    ],
    [
      'values of the start state that change places',
      {
        reset: async (db, run) => {
          const [one = '', other = ''] = run % 2 === 0 ? ['a', 'b'] : ['b', 'a'];
          await fill(items(db), { _id: 'x', token: one }, { _id: 'y', token: other });
          return one;
        },
        flow: async ({ letter }, db, token) => {
          if (letter === 'A') return (await items(db).findOneAndDelete({ _id: 'x' })) !== null;
          await lookAway(db);
          return items(db).countDocuments({ token });
        },
      },
    ],
    [
      'values in commands that are sent at once',
      {
        reset: async (db) => {
          await fill(items(db), { _id: 'x', n: 0 });
          return drawn();
        },
        flow: async ({ letter }, db, token) => {
          if (letter === 'B') return items(db).countDocuments({ token });
          return (
            await Promise.all([
              items(db).updateOne({ token: drawn(), n: 1 }, { $set: { n: 2 } }),
              items(db).updateOne({ token: drawn(), n: 3 }, { $set: { n: 2 } }),
              items(db).insertOne({ _id: 'y', token }),
            ])
          ).length;
        },
      },
    ],
  ])('%s', { timeout: 30_000 }, async (_what, one) => {
    expect(await missedBy(one)).toEqual([]);
  });
});

describe('commands that one client sends at once', () => {
  test.each<[string, (n: number) => Item]>([
    ['that differ in what is the same in each run', (n) => ({ _id: drawn(), token: drawn(), n })],
    ['with a drawn field', (n) => ({ _id: drawn(), [drawn()]: drawn(), n })],
    ['that look alike', () => ({ _id: drawn(), token: drawn() })],
  ])('%s have the same numbers in each run', { timeout: 30_000 }, async (_what, documentOf) => {
    const results = new Set<string>();
    await using session = await interleave(
      optionsOf(
        {
          clients: 1,
          reset: async (db) => {
            await fill(items(db));
            return '';
          },
          flow: async (_client, db) => {
            const sent = [1, 2, 3].map((n) => documentOf(n));
            await Promise.all(sent.map((document) => items(db).insertOne(document)));
            const stored = await items(db).find().toArray();
            return stored.map(({ _id }) => sent.findIndex((one) => one._id === _id));
          },
        },
        results,
      ),
    );
    const tokens: string[] = [];
    await session.explore({ onClass: ({ token }) => tokens.push(token) });
    assert.equal(tokens.length, 6);
    for (const token of tokens) {
      results.clear();
      for (let again = 0; again < 5; again++) await session.run(token);
      expect(results.size).toBe(1);
    }
  });
});

test('collections that change places with each run end the search, and it is not complete', async () => {
  const one: Case = {
    reset: async (db, run) => {
      await dropAll(db);
      for (const name of swapped(run).split(' ')) await db.createCollection(name);
      return swapped(run);
    },
    flow: async ({ letter }, db, names) => {
      const [mine, other] = names.split(' ');
      if (letter === 'A') return (await items(db, mine).insertOne({ _id: 'x' })).acknowledged;
      await items(db, other).findOne({});
      return items(db, mine).countDocuments({});
    },
  };
  await using session = await interleave(optionsOf(one, new Set()));
  const { complete, violations } = await session.explore();
  expect(complete).toBe(false);
  expect(violations).toEqual([
    expect.objectContaining({
      verdict: { kind: 'unknown', error: expect.objectContaining({ code: 'diverged' }) as unknown },
    }),
  ]);
});

const withToken = (tokenOf: (db: Db) => string): Case => ({
  clients: 3,
  reset: async (db) => {
    const token = tokenOf(db);
    await fill(items(db), { _id: 'x', token });
    await fill(items(db, 'log'), { _id: 'l', n: 0 });
    return token;
  },
  flow: async ({ letter }, db) => {
    if (letter === 'A') return (await items(db).findOneAndDelete({ _id: 'x' })) !== null;
    await lookAway(db);
    if (letter === 'C') return (await items(db, 'log').updateOne({ _id: 'l' }, { $set: { n: 1 } })).modifiedCount;
    const seen = await items(db, 'log').findOne({ _id: 'l' });
    return [seen?.['n'], await items(db).countDocuments({ token: tokenOf(db) })];
  },
});

test('a start value that each worker draws once', { timeout: 30_000 }, async () => {
  const one = withToken(({ databaseName }) => databaseName);
  expect(await missedBy(one, { workers: 2 })).toEqual([]);
});

test('a start value that each process draws once, and a checkpoint', { timeout: 30_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'drawn-names-'));
  for (let maxRuns = 1; maxRuns < 4; maxRuns++) {
    const checkpointFile = join(folder, String(maxRuns));
    const results = new Set<string>();
    const ofProcess = (token: string): InterleaveOptions<unknown> =>
      optionsOf(
        withToken(() => token),
        results,
      );
    {
      await using session = await interleave(ofProcess('first'));
      await session.explore({ maxRuns, checkpointFile });
    }
    await using session = await interleave(ofProcess('second'));
    expect(await session.explore({ checkpointFile })).toMatchObject({ complete: true });
    expect(results.size).toBe(4);
  }
  await rm(folder, { recursive: true });
});

test('two workers, and checkpoints', { timeout: 60_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'drawn-names-'));
  const results = new Set<string>();
  const one: Case = {
    clients: 3,
    reset: async (db) => {
      await dropAll(db);
      await fill(items(db), { _id: 'job' });
      return '';
    },
    flow: async ({ letter }, db) => {
      const name = drawn();
      if (letter === 'C')
        return items(db)
          .updateOne({ _id: 'job' }, { $set: { name, [name]: 1 } })
          .then(() => 'named');
      const job = await items(db).findOne({ _id: 'job' });
      if (job?.['name'] === undefined) return 'none';
      await items(db, String(job['name'])).insertOne({ _id: letter });
      return (await items(db, String(job['name'])).find().toArray()).map(({ _id }) => _id);
    },
  };
  const explored: string[][] = [];
  for (const limits of [{ maxPreemptions: 24 }, { workers: 2 }, { maxRuns: 20 }]) {
    results.clear();
    const checkpointFile = join(folder, JSON.stringify(limits));
    let complete = false;
    for (let part = 1; !complete; part++) {
      const maxRuns = (limits.maxRuns ?? Infinity) * part;
      await using session = await interleave(optionsOf(one, results));
      ({ complete } = await session.explore({ ...limits, maxRuns, checkpointFile }));
    }
    explored.push([...results].toSorted());
  }
  await rm(folder, { recursive: true });
  expect(new Set(explored.map(String)).size).toBe(1);
});
