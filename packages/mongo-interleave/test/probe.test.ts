import { MongoClient, type Db } from 'mongodb';
import { createTestDatabaseName, exploringSet } from 'test-kit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { interleave, type FlowClient, type InterleaveSession } from '../src/index.ts';

/* Whether a write outside transactions would wait for an open transaction, the server says: footprints only tell that it may. */

const set = exploringSet();
const database = createTestDatabaseName('probe');
const control = new MongoClient(set.uri);
beforeAll(async () => {
  const db = control.db(database);
  await db.createCollection('c');
  await db.collection('active').createIndex({ user: 1 }, { unique: true, partialFilterExpression: { active: true } });
});
afterAll(() => control.close());

interface Row {
  readonly _id: string;
  readonly n: number;
}

const scenarioOf = (
  flow: (client: FlowClient, db: Db) => Promise<unknown>,
  seen: (ends: string) => void = () => undefined,
): Promise<InterleaveSession<unknown>> =>
  interleave({
    uri: set.uri,
    database,
    clients: 2,
    flow,
    maxSteps: 30,
    reset: async (db) => {
      await Promise.all(['c', 'active'].map((name) => db.collection(name).deleteMany({})));
      await db.collection<Row>('c').insertMany(['x', 'y'].map((_id) => ({ _id, n: 0 })));
      await db
        .collection<{ _id: string }>('active')
        .insertMany(['A', 'B'].map((_id) => ({ _id, user: 'u', active: false })));
    },
    check: (_db, outcomes) =>
      seen(outcomes.map((outcome) => (outcome.kind === 'returned' ? String(outcome.value) : outcome.kind)).join()),
  });

const write = { $inc: { n: 1 } };

test('a write of another document passes an open transaction whose filter tells nothing', async () => {
  const ends = new Set<string>();
  await using scenario = await scenarioOf(
    async ({ letter, mongo }, db) => {
      const rows = db.collection<Row>('c');
      if (letter === 'A') {
        await using session = mongo.startSession();
        return await session.withTransaction(async () => {
          await rows.updateOne({ n: { $lt: 1 } }, write, { session });
          return nOf(await rows.findOne({ _id: 'y' }, { session }));
        });
      }
      await rows.updateOne({ _id: 'y' }, write);
      return nOf(await rows.findOne({ _id: 'x' }));
    },
    (end) => ends.add(end),
  );
  expect(await scenario.explore()).toMatchObject({ complete: true });
  // Neither sees the other's write: B's write passed while A's transaction was open.
  expect([...ends].toSorted()).toEqual(['0,0', '0,1', '1,0', '1,1']);
});

const nOf = (row: Row | null): number | undefined => row?.n;

test('a write that only an index brings into conflict waits', async () => {
  await using scenario = await scenarioOf(async ({ letter, mongo }, db) => {
    const rows = db.collection<{ _id: string }>('active');
    const activate = { $set: { active: true } };
    if (letter === 'B') return await rows.updateOne({ _id: 'B' }, activate);
    await using session = mongo.startSession();
    return await session.withTransaction(async () => {
      await rows.updateOne({ _id: 'A' }, activate, { session });
      await rows.findOne({ _id: 'A' }, { session });
    });
  });
  // A's statement, read and commit, and B only then, though B was to go after A's statement.
  const outline = { clients: [0, 1], switches: [{ client: 0, after: 1, to: 1 }], faults: [] };
  const { token, trace } = await scenario.run(outline);
  expect(token).toBe('v1:AAAB');
  expect(trace[1]?.waiting).toEqual([{ client: 1, waitsFor: 'A' }]);
});
