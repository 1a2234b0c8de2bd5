import { MongoClient, type Db } from 'mongodb';
import { createTestDatabaseName, exploringSet } from 'test-kit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  FAULT_KINDS,
  formatRun,
  interleave,
  isFailover,
  type FlowClient,
  type InterleaveSession,
  type Outcome,
} from '../src/index.ts';

/* An upsert that finds none is two steps: others may insert between its look and its insert. */

const set = exploringSet();
const database = createTestDatabaseName('upserts');
const control = new MongoClient(set.uri);
beforeAll(async () => {
  const db = control.db(database);
  await db.createCollection('plain');
  await db.collection('unique').createIndex({ code: 1 }, { unique: true });
});
afterAll(() => control.close());

type Flow = (client: FlowClient, db: Db) => Promise<unknown>;

const scenarioOf = (
  flow: Flow,
  check: (db: Db, outcomes: readonly Outcome<unknown>[]) => Promise<void> | void = () => undefined,
  clients = 2,
): Promise<InterleaveSession<unknown>> =>
  interleave({
    uri: set.uri,
    database,
    clients,
    flow,
    check,
    reset: async (db) => {
      await Promise.all(['plain', 'unique'].map((name) => db.collection(name).deleteMany({})));
    },
    showFields: ['code'],
  });

const upsertInto =
  (collection: string): Flow =>
  async (_client, db) => {
    await db.collection(collection).updateOne({ code: 'c1' }, { $inc: { n: 1 } }, { upsert: true });
  };

async function oneDocument(db: Db, collection: string): Promise<void> {
  const count = await db.collection(collection).countDocuments({ code: 'c1' });
  if (count !== 1) throw new Error(`there are ${count} documents`);
}

/** How the clients ended, in each class. */
async function endsOf(flow: Flow, collection: string, clients = 2): Promise<ReadonlySet<string>> {
  const seen = new Set<string>();
  await using scenario = await scenarioOf(
    flow,
    async (db, outcomes) => {
      const documents = await db
        .collection(collection)
        .find({}, { projection: { _id: 0 } })
        .sort({ n: 1 })
        .toArray();
      const of = outcomes.map((outcome) => (outcome.kind === 'threw' ? String(outcome.error) : outcome.kind));
      seen.add(JSON.stringify([documents, of.map((text) => text.replace(/.*(E\d+).*/, '$1'))]));
    },
    clients,
  );
  expect(await scenario.explore()).toMatchObject({ complete: true });
  return seen;
}

test('two upserts of one new key without a unique index: two documents, with a token that replays', async () => {
  await using scenario = await scenarioOf(upsertInto('plain'), (db) => oneDocument(db, 'plain'));
  const { violations, complete } = await scenario.explore();
  expect(complete).toBe(true);
  const [first] = violations;
  if (first === undefined) throw new Error('no violation');
  expect(formatRun(first)).toMatch(/update plain \{ code: "c1" \} .*upsert -> finds none/);
  expect(formatRun(first)).toMatch(/update plain \{ code: "c1" \} .*upsert, insert\s+-> n=1/);
  expect(first.token).toMatch(/^v1:(?:ABAB|ABBA|BAAB|BABA)$/);
  expect(formatRun(await scenario.run(first))).toBe(formatRun(first));
});

test('with a unique index on just its field, the server looks again: one document, no error', async () => {
  expect(await endsOf(upsertInto('unique'), 'unique')).toEqual(
    ends([[{ code: 'c1', n: 2 }], ['returned', 'returned']]),
  );
});

test('with a filter that demands more than equalities, the server does not look again: E11000', async () => {
  const flow: Flow = async (_client, db) => {
    await db.collection('unique').updateOne({ code: 'c1', n: { $lt: 5 } }, { $inc: { n: 1 } }, { upsert: true });
  };
  expect(await endsOf(flow, 'unique')).toEqual(
    ends(
      [[{ code: 'c1', n: 2 }], ['returned', 'returned']],
      [[{ code: 'c1', n: 1 }], ['returned', 'E11000']],
      [[{ code: 'c1', n: 1 }], ['E11000', 'returned']],
    ),
  );
});

test('the class of an insert is told by its document, not by what its filter finds', async () => {
  await using scenario = await scenarioOf(upsertInto('plain'));
  const tokens: string[] = [];
  await scenario.explore({ onClass: ({ token }) => tokens.push(token) });
  // One after the other, or both look before either inserts.
  expect(tokens.toSorted()).toEqual(['v1:AAB', 'v1:ABAB', 'v1:BBA']);
});

test('a read that the client sends at once with its upsert comes before or after the insert', async () => {
  const found = new Set<string>();
  await using scenario = await scenarioOf(
    async (client, db) => {
      const [document] = await Promise.all([
        db.collection('plain').findOne({ code: 'c1' }, { projection: { _id: 0 } }),
        upsertInto('plain')(client, db),
      ]);
      return document;
    },
    (_db, [end]) => void found.add(JSON.stringify(end?.kind === 'returned' && end.value)),
    1,
  );
  expect(await scenario.explore()).toMatchObject({ complete: true });
  expect([...found].toSorted()).toEqual(['null', '{"code":"c1","n":1}']);
});

test('three clients: one, two or three documents', async () => {
  const all = ['returned', 'returned', 'returned'];
  const documents = (...counts: number[]): object[] => counts.map((n) => ({ code: 'c1', n }));
  expect(await endsOf(upsertInto('plain'), 'plain', 3)).toEqual(
    ends([documents(3), all], [documents(1, 2), all], [documents(1, 1, 1), all]),
  );
});

test('findAndModify is the same', async () => {
  const flow: Flow = (_client, db) =>
    db
      .collection('plain')
      .findOneAndUpdate(
        { code: 'c1' },
        { $inc: { n: 1 } },
        { upsert: true, returnDocument: 'after', projection: { _id: 0 } },
      );
  const told: unknown[] = [];
  await using scenario = await scenarioOf(
    flow,
    (_db, outcomes) => void told.push(outcomes.map((outcome) => outcome.kind === 'returned' && outcome.value)),
  );
  const { complete } = await scenario.explore();
  expect(complete).toBe(true);
  expect(told).toContainEqual([
    { code: 'c1', n: 1 },
    { code: 'c1', n: 1 },
  ]);
  expect(told).toContainEqual([
    { code: 'c1', n: 1 },
    { code: 'c1', n: 2 },
  ]);
});

test('an upsert against a plain insert', async () => {
  const flow: Flow = async (client, db) => {
    if (client.letter === 'A') return upsertInto('unique')(client, db);
    return db.collection('unique').insertOne({ code: 'c1', n: 10 });
  };
  // Between look and insert: the server looks again, and finds the other document.
  expect(await endsOf(flow, 'unique')).toEqual(
    ends([[{ code: 'c1', n: 1 }], ['returned', 'E11000']], [[{ code: 'c1', n: 11 }], ['returned', 'returned']]),
  );
  const plain: Flow = async (client, db) => {
    if (client.letter === 'A') return upsertInto('plain')(client, db);
    return db.collection('plain').insertOne({ code: 'c1', n: 10 });
  };
  const both = ['returned', 'returned'];
  expect(await endsOf(plain, 'plain')).toEqual(
    ends([[{ code: 'c1', n: 11 }], both], [[1, 10].map((n) => ({ code: 'c1', n })), both]),
  );
});

test('an upsert against the delete of what it finds', async () => {
  const flow: Flow = async (client, db) => {
    if (client.letter === 'B') return db.collection('plain').deleteOne({ code: 'c1' });
    await upsertInto('plain')(client, db);
    return upsertInto('plain')(client, db);
  };
  const both = ['returned', 'returned'];
  expect(await endsOf(flow, 'plain')).toEqual(
    ends([[], both], [[{ code: 'c1', n: 1 }], both], [[{ code: 'c1', n: 2 }], both]),
  );
});

test('only the faults that differ from those at the look hit the insert', async () => {
  await using scenario = await scenarioOf(upsertInto('plain'), undefined, 1);
  const tokens: string[] = [];
  const kinds = FAULT_KINDS.filter((kind) => !isFailover(kind));
  await scenario.explore({ faults: { kinds }, onClass: ({ token }) => tokens.push(token) });
  // After a crash the fresh life looks again; after a lost reply the driver sends the command again.
  expect(tokens.toSorted()).toEqual(
    ['v1:AA', 'v1:A!AA', 'v1:A*A', 'v1:A~A', 'v1:A^AA', 'v1:A#AA', 'v1:AA*A', 'v1:AA~A'].toSorted(),
  );
  await expect(scenario.run('v1:AA!A')).rejects.toThrow(expect.objectContaining({ code: 'diverged' }));
  const cells = await scenario.grid();
  expect(cells.map(({ command, fault }) => `${command} ${fault}`).filter((cell) => cell.startsWith('1'))).toEqual([
    '1 crash-after',
    '1 lost-reply',
  ]);
});

test('several statements in one command, and statements of a transaction, are one step each', async () => {
  const upsert = { updateOne: { filter: { code: 'c1' }, update: { $inc: { n: 1 } }, upsert: true } };
  await using several = await scenarioOf(async (_client, db) => db.collection('plain').bulkWrite([upsert, upsert]));
  expect((await several.run('v1:AB')).trace).toHaveLength(2);
  await using transaction = await scenarioOf(async ({ mongo }, db) => {
    await using session = mongo.startSession();
    await session.withTransaction(() =>
      db.collection('plain').updateOne({ code: 'c1' }, { $inc: { n: 1 } }, { upsert: true, session }),
    );
  });
  expect((await transaction.run('v1:AABB')).trace).toHaveLength(4);
});

test('an upsert beside an open transaction: its look passes, its insert waits where an index demands it', async () => {
  const inTransaction =
    (collection: string): Flow =>
    async (client, db) => {
      if (client.letter === 'B') return upsertInto(collection)(client, db);
      await using session = client.mongo.startSession();
      return await session.withTransaction(async () => {
        await db.collection(collection).insertOne({ code: 'c1', n: 10 }, { session });
        await db.collection(collection).findOne({}, { session });
      });
    };
  const outline = { clients: [0, 1], switches: [{ client: 0, after: 1, to: 1 }], faults: [] };
  const tokens: string[] = [];
  for (const collection of ['unique', 'plain']) {
    await using scenario = await scenarioOf(inTransaction(collection));
    tokens.push((await scenario.run(outline)).token);
  }
  expect(tokens).toEqual(['v1:ABAAB', 'v1:ABBAA']);
});

/** As `endsOf` tells them: the documents and how the clients ended. */
function ends(...all: readonly (readonly [readonly object[], readonly string[]])[]): ReadonlySet<string> {
  return new Set(all.map((end) => JSON.stringify(end)));
}
