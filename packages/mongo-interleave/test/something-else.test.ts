import { setTimeout as sleep } from 'node:timers/promises';
import { MongoClient, type Db, type MongoClientOptions } from 'mongodb';
import { createTestDatabaseName, exploringSet } from 'test-kit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { interleave, type FlowClient, type InterleaveSession } from '../src/index.ts';

/* Only the schedule may decide. What else does is told, and the run counts for nothing. */

const set = exploringSet();
const database = createTestDatabaseName('else');
const control = new MongoClient(set.uri);
beforeAll(async () => {
  await control.db(database).createCollection('c');
});
afterAll(() => control.close());

interface Counted {
  readonly _id: string;
  readonly n: number;
}

/** Long against the few turns of the event loop after a delivery, in which a timer of a flow can't be told from what the reply led to. */
const PAUSE_MS = 900;

/** Client A runs the flow; client B lets the gate wait between its two commands. */
const scenarioOf = (
  flow: (client: FlowClient, db: Db) => Promise<unknown>,
  clientOptions: MongoClientOptions = {},
): Promise<InterleaveSession<unknown>> =>
  interleave({
    uri: set.uri,
    database,
    clients: 2,
    clientOptions,
    reset: async (db) => {
      await db.collection('c').deleteMany({});
    },
    flow: async (client, db) => {
      if (client.letter === 'A') return flow(client, db);
      await db.collection('c').insertOne({});
      await sleep(PAUSE_MS);
      return db.collection('c').insertOne({});
    },
    check: () => undefined,
  });

const find = (_client: FlowClient, db: Db): Promise<unknown> => db.collection<Counted>('c').findOne({ _id: 'x' });

describe('a held command that its client takes back', () => {
  test.each<[string, (client: FlowClient, db: Db) => Promise<unknown>, MongoClientOptions]>([
    ['socketTimeoutMS', find, { socketTimeoutMS: 40 }],
    [
      'an abort signal',
      async (_client, db) => {
        await db
          .collection('c')
          .findOne({}, { signal: AbortSignal.timeout(40) })
          .catch(() => undefined);
        return new Promise(() => undefined);
      },
      {},
    ],
    [
      'a client that is closed',
      ({ mongo }, db) => Promise.allSettled([db.collection('c').findOne({}), sleep(20).then(() => mongo.close())]),
      {},
    ],
  ])('%s', async (_what, flow, options) => {
    await using session = await scenarioOf(flow, options);
    const { verdict } = await session.run('v1:BBA');
    expect(verdict).toMatchObject({
      kind: 'unknown',
      error: { code: 'withdrawn', message: expect.stringMatching(/^A took back "find"/) },
    });
  });
});

describe('a command that nothing has led to', () => {
  test.each<[string, (client: FlowClient, db: Db) => Promise<unknown>]>([
    [
      'a race with a timer',
      async (client, db) => {
        await Promise.race([find(client, db), sleep(400)]);
        return db.collection('c').insertOne({});
      },
    ],
    [
      'a poller',
      async (client, db) => {
        const poller = setInterval(() => void find(client, db).catch(() => undefined), 300);
        try {
          return await find(client, db);
        } finally {
          clearInterval(poller);
        }
      },
    ],
  ])('%s', async (_what, flow) => {
    await using session = await scenarioOf(flow);
    const { verdict } = await session.run('v1:BBA');
    expect(verdict).toMatchObject({
      kind: 'unknown',
      error: {
        code: 'unscheduled',
        message: expect.stringMatching(/^A sent "(?:insert|find)" although nothing.*does the flow use a timer/),
      },
    });
  });

  test.each<[string, (client: FlowClient, db: Db) => Promise<unknown>]>([
    [
      'a timer',
      async (client, db) => Promise.race([find(client, db).then(() => 'found'), sleep(100).then(() => 'timeout')]),
    ],
    [
      'an abort signal',
      (_client, db) =>
        db
          .collection('c')
          .findOne({}, { signal: AbortSignal.timeout(100) })
          .catch(() => undefined),
    ],
  ])('a flow that %s ends while its command waits at the gate', async (_what, flow) => {
    await using session = await scenarioOf(flow);
    const { verdict } = await session.run('v1:BBA');
    expect(verdict).toMatchObject({
      kind: 'unknown',
      error: { code: 'unscheduled', message: expect.stringMatching(/^A ended .*"find".*does the flow use a timer/) },
    });
  });

  test('but a pause between two commands is as good as none', async () => {
    await using session = await scenarioOf(async (client, db) => {
      await find(client, db);
      await sleep(10);
      return find(client, db);
    });
    const { token } = await session.run('v1:ABAB');
    expect(token).toBe('v1:ABAB');
  });

  test('and so is one that a reply to another client has led to', async () => {
    const read = (db: Db): Promise<unknown> => db.collection('c').findOne({});
    let woken = Promise.withResolvers<void>();
    await using session = await interleave({
      uri: set.uri,
      database,
      clients: 2,
      reset: async (db) => {
        woken = Promise.withResolvers<void>();
        await db.collection('c').deleteMany({});
      },
      flow: async ({ letter }, db) => {
        if (letter === 'B') return Promise.all([read(db), woken.promise.then(() => db.collection('c').insertOne({}))]);
        await read(db);
        return woken.resolve();
      },
      check: () => undefined,
    });
    const { trace } = await session.run('v1:ABB');
    expect(trace.map(({ command }) => command).toSorted()).toEqual(['find', 'find', 'insert']);
  });
});
