import { MongoClient } from 'mongodb';
import { createTestDatabaseName, exploringSet } from 'test-kit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { interleave, type Exploration, type FlowClient } from '../src/index.ts';
import { DRIVERS, type AnyClient } from './support/drivers.ts';

/* A flow may use any copy of any driver that is connected to its client's URI. */

const set = exploringSet();
const database = createTestDatabaseName('drivers');
const control = new MongoClient(set.uri);
beforeAll(async () => {
  await control.db(database).createCollection('c');
});
afterAll(() => control.close());

interface Counted {
  readonly _id: string;
  readonly n: number;
}

/** A reads several documents at once and writes one; B writes one of those that A reads. */
async function explore(connect?: (client: FlowClient) => Promise<AnyClient>): Promise<Exploration<unknown>> {
  await using session = await interleave<unknown, AnyClient>({
    uri: set.uri,
    database,
    clients: 2,
    reset: async (db) => {
      await db.collection('c').deleteMany({});
      await db.collection<Counted>('c').insertMany(['a', 'b', 'c', 'd'].map((_id) => ({ _id, n: 0 })));
    },
    prepare: async (client) => (await connect?.(client)) ?? client.mongo,
    dispose: async (own) => void (await own.close()),
    flow: async ({ letter }, _db, own) => {
      const c = own.db(database).collection('c');
      if (letter === 'B') return c.updateOne({ _id: 'b' }, { $inc: { n: 1 } });
      await Promise.all(['a', 'b', 'c'].map((_id) => c.findOne({ _id })));
      return c.updateOne({ _id: 'b' }, { $inc: { n: 1 } });
    },
    check: () => undefined,
  });
  return await session.explore();
}

let expected = 0;
beforeAll(async () => {
  ({ classes: expected } = await explore());
});

describe.each(Object.entries(DRIVERS))('driver %s', (_version, open) => {
  test.each([
    ['tracked', true],
    ['that nobody tells the gate of', false],
  ])('several commands at once of a client %s', async (_what, isTracked) => {
    const { classes, complete } = await explore(async (client) => {
      const own = open(client.uri);
      if (isTracked) client.track(own);
      await own.connect();
      return own;
    });
    expect({ classes, complete }).toEqual({ classes: expected, complete: true });
  });

  test('more commands at once than the pool has connections', async () => {
    const limited = (): Promise<number> =>
      explore(async (client) => {
        const own = client.track(open(client.uri, { maxPoolSize: 2 }));
        await own.connect();
        return own;
      }).then(({ classes }) => classes);
    expect(await limited()).toBe(await limited());
  });

  test('that looks for the other members of the replica set finds only the gate', async () => {
    const { classes, complete } = await explore(async (client) => {
      const own = open(new URL('/', client.uri).href, { directConnection: false });
      await own.connect();
      return own;
    });
    expect({ classes, complete }).toEqual({ classes: expected, complete: true });
  });
});
