import { MongoClient, MongoServerError, type Db } from 'mongodb';
import { createTestDatabaseName, exploringSet } from 'test-kit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { interleave, type FlowClient, type InterleaveSession } from '../src/index.ts';

/* What a client does after a write conflict: its next attempt waits for the other transaction, and nothing else does. */

const set = exploringSet();
const database = createTestDatabaseName('restarts');
const control = new MongoClient(set.uri);
beforeAll(async () => {
  await control
    .db(database)
    .collection('sessions')
    .createIndex({ user: 1 }, { unique: true, partialFilterExpression: { active: true } });
});
afterAll(() => control.close());

interface Session {
  readonly _id: string;
  readonly user: string;
  readonly active: boolean;
}

const scenarioOf = (
  clients: number,
  flow: (client: FlowClient, db: Db) => Promise<unknown>,
): Promise<InterleaveSession<unknown>> =>
  interleave({
    uri: set.uri,
    database,
    clients,
    flow,
    maxSteps: 30,
    reset: async (db) => {
      await db.collection('sessions').deleteMany({});
      const inactive = ['A', 'B', 'C'].map((_id) => ({ _id, user: 'u', active: false }));
      await db.collection<Session>('sessions').insertMany(inactive);
    },
    check: () => undefined,
  });

test('a conflict that no footprint tells: the next attempt waits for every open transaction', async () => {
  await using scenario = await scenarioOf(2, async ({ letter, mongo }, db) => {
    const sessions = db.collection<Session>('sessions');
    await using session = mongo.startSession();
    await session
      .withTransaction(async () => {
        await sessions.updateOne({ _id: letter }, { $set: { active: true } }, { session });
        await sessions.findOne({ _id: letter }, { session });
      })
      .catch(expectDuplicate);
  });
  // A's statement, B's conflict and its abort; then B, whose new start is all that it has, waits for A's read and commit.
  const { token, trace } = await scenario.run({
    clients: [0, 1],
    switches: [{ client: 0, after: 1, to: 1 }],
    faults: [],
  });
  expect(trace.map(({ reply }) => reply).filter((reply) => reply.includes('WriteConflict'))).toHaveLength(1);
  expect(token).toMatch(/^v1:ABB?AAB+$/);
  expect(await scenario.explore()).toMatchObject({ complete: true, violations: [] });
});

test('a transaction that starts with another command is not the next attempt, and does not wait', async () => {
  const tokens = await tokensOf(async ({ letter, mongo }, db) => {
    const sessions = db.collection<Session>('sessions');
    await using session = mongo.startSession();
    const plus = { $inc: { n: 1 } };
    if (letter === 'A') {
      return await session.withTransaction(() => sessions.updateOne({ _id: 'A' }, plus, { session }));
    }
    session.startTransaction();
    const end = await sessions.updateOne({ _id: 'A' }, plus, { session }).then(
      () => session.commitTransaction(),
      () => session.abortTransaction(),
    );
    session.startTransaction();
    await sessions.updateOne({ _id: 'B' }, plus, { session });
    await session.commitTransaction();
    return end;
  });
  // B's conflict, its abort, and the start of its other transaction while A's is open.
  expect(tokens.filter((token) => /^v1:ABBB+A/.test(token))).not.toEqual([]);
});

async function tokensOf(flow: (client: FlowClient, db: Db) => Promise<unknown>): Promise<string[]> {
  await using scenario = await scenarioOf(2, flow);
  const tokens: string[] = [];
  const { complete } = await scenario.explore({ onClass: ({ token }) => tokens.push(token) });
  expect(complete).toBe(true);
  return tokens;
}

function expectDuplicate(error: unknown): void {
  if (!(error instanceof MongoServerError) || error.code !== 11000) throw error;
}
