import { MongoClient, type Db } from 'mongodb';
import { createTestDatabaseName, exploringSet } from 'test-kit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { formatRun, interleave, type FlowClient, type InterleaveSession, type Outcome } from '../src/index.ts';

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
  const ends = new Set<string>();
  await using scenario = await scenarioOf(
    flow,
    async (db, outcomes) => {
      const documents = await db
        .collection(collection)
        .find({}, { projection: { _id: 0 } })
        .sort({ n: 1 })
        .toArray();
      const of = outcomes.map((outcome) => (outcome.kind === 'threw' ? String(outcome.error) : outcome.kind));
      ends.add(JSON.stringify([documents, of.map((text) => text.replace(/.*(E\d+).*/, '$1'))]));
    },
    clients,
  );
  expect(await scenario.explore()).toMatchObject({ complete: true });
  return ends;
}

test('two upserts of one new key without a unique index: two documents, with a token that replays', async () => {
  await using scenario = await scenarioOf(upsertInto('plain'), (db) => oneDocument(db, 'plain'));
  const { violations, complete } = await scenario.explore();
  expect(complete).toBe(true);
  const [first] = violations;
  if (first === undefined) throw new Error('no violation');
  expect(formatRun(first)).toMatch(/update plain \{ code: "c1" \} upsert -> finds none/);
  expect(formatRun(first)).toMatch(/update plain \{ code: "c1" \} insert -> n=1/);
  expect(first.token).toMatch(/^v1:(?:ABAB|ABBA|BAAB|BABA)$/);
  expect(formatRun(await scenario.run(first))).toBe(formatRun(first));
});

test('with a unique index on just its field, the server looks again: one document, no error', async () => {
  expect(await endsOf(upsertInto('unique'), 'unique')).toEqual(
    new Set([JSON.stringify([[{ code: 'c1', n: 2 }], ['returned', 'returned']])]),
  );
});

test('with a filter that demands more, one client gets E11000', async () => {
  const flow: Flow = (_client, db) =>
    db.collection('unique').updateOne({ code: 'c1', used: false }, { $set: { used: true } }, { upsert: true });
  expect(await endsOf(flow, 'unique')).toEqual(
    new Set(
      [
        ['E11000', 'returned'],
        ['returned', 'E11000'],
      ].map((of) => JSON.stringify([[{ code: 'c1', used: true }], of])),
    ),
  );
});
