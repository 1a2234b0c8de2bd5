import { MongoClient, type Db } from 'mongodb';
import { createTestDatabaseName, exploringSet } from 'test-kit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { interleave, type FlowClient, type InterleaveSession } from '../src/index.ts';
import { createCollections, inTransaction, rotationScenario } from './support/rotation.ts';

/* Commands that the server would let wait for an open transaction wait at the gate instead. */

const set = exploringSet();
const database = createTestDatabaseName('waiting');
const control = new MongoClient(set.uri);
beforeAll(async () => {
  await control.db(database).createCollection('c');
});
afterAll(() => control.close());

interface Counted {
  readonly _id: string;
  readonly n: number;
}
const plus = { $inc: { n: 1 } };

const scenarioOf = (
  flow: (client: FlowClient, db: Db) => Promise<unknown>,
  clients: number,
  expected: number,
): Promise<InterleaveSession<unknown>> =>
  interleave({
    uri: set.uri,
    database,
    clients,
    flow,
    maxWaitMs: 5_000,
    reset: async (db) => {
      await db.collection('c').deleteMany({});
      await db.collection<Counted>('c').insertOne({ _id: 'x', n: 0 });
    },
    check: async (db) => {
      const document = await db.collection<Counted>('c').findOne({ _id: 'x' });
      if (document?.n !== expected) throw new Error(`n is ${document?.n}, not ${expected}`);
    },
  });

test('a write outside transactions waits for the open one, in every schedule', async () => {
  await using scenario = await scenarioOf(
    async ({ letter, mongo }, db) => {
      const c = db.collection<Counted>('c');
      if (letter === 'B') return c.updateOne({ _id: 'x' }, plus);
      await using session = mongo.startSession();
      return await session.withTransaction(() => c.updateOne({ _id: 'x' }, plus, { session }));
    },
    2,
    2,
  );
  const tokens: string[] = [];
  const { violations, complete } = await scenario.explore({ onClass: ({ token }) => tokens.push(token) });
  expect({ violations, complete }).toEqual({ violations: [], complete: true });
  // A's statement, commit, B; or B first. Never B between the two.
  expect(tokens).toEqual(['v1:AAB', 'v1:BAA']);
});

test('a client that waits for its own transaction never ends', async () => {
  await using scenario = await scenarioOf(
    async ({ mongo }, db) => {
      const c = db.collection<Counted>('c');
      await using session = mongo.startSession();
      session.startTransaction();
      await c.updateOne({ _id: 'x' }, plus, { session });
      await c.updateOne({ _id: 'x' }, plus);
    },
    1,
    2,
  );
  const { violations, complete } = await scenario.explore();
  expect(complete).toBe(true);
  expect(violations).toMatchObject([
    {
      token: 'v1:A',
      outcomes: [{ kind: 'hanging' }],
      verdict: {
        kind: 'violated',
        error: {
          code: 'never-ends',
          message: expect.stringContaining('A1 update c waits for the open transaction of A'),
        },
      },
    },
  ]);
});

test('a transaction that a flow leaves open does not block the next reset', async () => {
  await using scenario = await scenarioOf(
    async ({ mongo }, db) => {
      const session = mongo.startSession();
      session.startTransaction();
      await db.collection<Counted>('c').updateOne({ _id: 'x' }, plus, { session });
    },
    1,
    0,
  );
  // The set would end it after 3 s.
  const startedMs = performance.now();
  for (let time = 0; time < 3; time++) expect(await scenario.run('v1:A')).toMatchObject({ verdict: { kind: 'valid' } });
  expect(performance.now() - startedMs).toBeLessThan(3_000);
});

test('so does a command that wants the collection for itself', async () => {
  await using scenario = await scenarioOf(
    async ({ letter, mongo }, db) => {
      if (letter === 'B') return db.command({ collMod: 'c', validationLevel: 'off' });
      await using session = mongo.startSession();
      return await session.withTransaction(() =>
        db.collection<Counted>('c').updateOne({ _id: 'x' }, plus, { session }),
      );
    },
    2,
    1,
  );
  const tokens: string[] = [];
  const { violations, complete } = await scenario.explore({ onClass: ({ token }) => tokens.push(token) });
  expect({ violations, complete }).toEqual({ violations: [], complete: true });
  expect(tokens).toEqual(['v1:AAB', 'v1:BAA']);
});

test('after a write conflict a client begins again at once, as often as is wanted', async () => {
  await createCollections(control.db(database));
  const conflictsInARow: number[] = [];
  for (const retriesAtOnce of [0, 1, 2]) {
    await using scenario = await interleave({
      uri: set.uri,
      database,
      clients: 2,
      flow: inTransaction,
      retriesAtOnce,
      ...rotationScenario,
    });
    let most = 0;
    const { violations, complete } = await scenario.explore({
      onClass: ({ trace }) => {
        const conflicts = trace.filter(({ client, reply }) => client === 1 && reply.includes('WriteConflict'));
        most = Math.max(most, conflicts.length);
      },
    });
    expect({ violations, complete }).toEqual({ violations: [], complete: true });
    conflictsInARow.push(most);
  }
  expect(conflictsInARow).toEqual([1, 2, 3]);
});

test('a transaction that did not come through the gate: the server says what the command waits for', async () => {
  await using foreign = control.startSession();
  let isBlocked = true;
  await using scenario = await interleave({
    uri: set.uri,
    database,
    clients: 1,
    reset: async (db) => {
      if (foreign.inTransaction()) await foreign.abortTransaction();
      await db.collection('c').deleteMany({});
      await db.collection<Counted>('c').insertOne({ _id: 'x', n: 0 });
      if (!isBlocked) return;
      foreign.startTransaction();
      await control.db(database).collection<Counted>('c').updateOne({ _id: 'x' }, plus, { session: foreign });
    },
    flow: (_client, db) => db.collection<Counted>('c').updateOne({ _id: 'x' }, plus),
    check: () => undefined,
  });
  expect(await scenario.run('v1:A')).toMatchObject({
    token: 'v1:A',
    trace: [{ command: 'update', reply: 'no reply' }],
    verdict: {
      kind: 'unknown',
      error: { code: 'blocked', message: expect.stringMatching(/"update" of A waits.* write conflicts/) },
    },
  });
  // The command does not go on in the server.
  isBlocked = false;
  expect(await scenario.run('v1:A')).toMatchObject({ verdict: { kind: 'valid' } });
  expect(await control.db(database).collection<Counted>('c').findOne({ _id: 'x' })).toEqual({ _id: 'x', n: 1 });
});
