import { MongoClient, type Db } from 'mongodb';
import { createTestDatabaseName, exploringSet } from 'test-kit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { interleave, type FlowClient, type InterleaveOptions, type InterleaveSession } from '../src/index.ts';
import { openDriver4 } from './support/drivers.ts';

/* What a program does when it starts: once in each life of a client, past the gate. */

const set = exploringSet();
const database = createTestDatabaseName('prepare');
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
const one = { _id: 'x' };

const scenarioOf = <P = undefined>(
  options: Pick<InterleaveOptions<unknown, P>, 'flow' | 'prepare' | 'dispose' | 'maxWaitMs'>,
  clients = 2,
): Promise<InterleaveSession<unknown>> =>
  interleave({
    uri: set.uri,
    database,
    clients,
    reset: async (db) => {
      await db.collection('c').deleteMany({});
      await db.collection<Counted>('c').insertOne({ ...one, n: 0 });
    },
    check: () => undefined,
    ...options,
  });

const update = (_client: FlowClient, db: Db): Promise<unknown> => db.collection<Counted>('c').updateOne(one, plus);

test('is called once for each client, and its commands are no steps', async () => {
  const prepared: string[] = [];
  await using session = await scenarioOf({
    prepare: async ({ letter, life }, db) => {
      prepared.push(`${letter}${life}`);
      await db.collection('c').createIndex({ n: 1 });
      const found = await db.collection<Counted>('c').findOne(one);
      return { letter, n: found?.n };
    },
    flow: async (client, db, own) => {
      await update(client, db);
      return own;
    },
  });
  const { trace, outcomes } = await session.run('v1:AB');
  expect(trace.map(({ command }) => command)).toEqual(['update', 'update']);
  // It finds the start state: what `reset` makes.
  expect(outcomes.map((outcome) => outcome.kind === 'returned' && outcome.value)).toEqual([
    { letter: 'A', n: 0 },
    { letter: 'B', n: 0 },
  ]);
  expect(await session.explore()).toMatchObject({ complete: true, violations: [] });
  expect(prepared).toEqual(['A0', 'B0']);
});

test('is called again after a crash, and what the old life held is disposed', async () => {
  const events: string[] = [];
  {
    await using session = await scenarioOf(
      {
        prepare: async ({ letter, life }) => {
          events.push(`prepare ${letter}${life}`);
          return {
            name: `${letter}${life}`,
            [Symbol.asyncDispose]: async () => void events.push(`dispose ${letter}${life}`),
          };
        },
        flow: async (client, db, { name }) => {
          await update(client, db);
          return name;
        },
      },
      1,
    );
    const { outcomes } = await session.run('v1:A*A');
    expect(outcomes).toEqual([{ kind: 'returned', value: 'A1' }]);
    expect(events).toEqual(['prepare A0', 'prepare A1']);
    await session.run('v1:A');
    expect(events).toEqual(['prepare A0', 'prepare A1', 'dispose A0']);
  }
  expect(events).toEqual(['prepare A0', 'prepare A1', 'dispose A0', 'dispose A1']);
});

test('what a second life reads in it depends on what the others have written by then', async () => {
  const seen = new Set<unknown>();
  await using session = await scenarioOf({
    prepare: async (_client, db) => db.collection<Counted>('c').findOne(one),
    flow: async ({ letter, life }, db, found) => {
      if (letter === 'B') await db.collection<Counted>('c').updateOne(one, plus);
      else await db.collection<Counted>('c').findOne({ _id: 'none' });
      if (letter === 'A' && life === 1) seen.add(found?.n);
    },
  });
  const { complete } = await session.explore({ faults: { kinds: ['crash'], clients: [0] } });
  expect(complete).toBe(true);
  // A's commands and B's have nothing in common, but the crash of A reads what B writes.
  expect(seen).toEqual(new Set([0, 1]));
});

describe('an error', () => {
  test('of prepare is told with the letter of its client', async () => {
    const mine = new TypeError('no such cache');
    await using session = await scenarioOf({
      prepare: async ({ letter }) => {
        if (letter === 'B') throw mine;
      },
      flow: update,
    });
    await expect(session.explore()).rejects.toThrow(
      expect.objectContaining({
        code: 'prepare-failed',
        message: 'prepare of client B threw TypeError: no such cache.',
        cause: mine,
      }),
    );
  });

  test('for a prepare that never ends', async () => {
    await using session = await scenarioOf({
      prepare: () => new Promise(() => undefined),
      flow: update,
      maxWaitMs: 200,
    });
    await expect(session.explore()).rejects.toThrow(
      expect.objectContaining({ code: 'watchdog', message: expect.stringContaining('200 ms for A to be prepared') }),
    );
  });

  test('for a tracked client that is connected past the gate', async () => {
    await using session = await scenarioOf({
      prepare: async (client) => client.track(new MongoClient(set.uri)),
      flow: async (_client, _db, mongo) => mongo.db(database).collection<Counted>('c').findOne(one),
    });
    await expect(session.explore()).rejects.toThrow(
      expect.objectContaining({ code: 'invalid-option', message: expect.stringContaining('Connect it to client.uri') }),
    );
  });
});

test('a tracked client is closed with its session, also if nobody else closes it', async () => {
  const closed: string[] = [];
  {
    await using session = await scenarioOf({
      prepare: async (client) => {
        const own = client.track(openDriver4(client.uri));
        own.on('topologyClosed', () => closed.push(client.letter));
        return own;
      },
      flow: (_client, _db, own) => own.db(database).collection('c').updateOne(one, plus),
    });
    await session.run('v1:AB');
    expect(closed).toEqual([]);
  }
  expect(closed.toSorted()).toEqual(['A', 'B']);
});
