import { MongoClient, type Db } from 'mongodb';
import { createTestDatabaseName, exploringSet } from 'test-kit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { interleave, type FlowClient, type InterleaveOptions, type InterleaveSession } from '../src/index.ts';

/* How the clients ended is counted, and a run in which nothing happened says why. */

const set = exploringSet();
const database = createTestDatabaseName('ends');
const control = new MongoClient(set.uri);
const rowsOf = (db: Db) => db.collection<{ _id: string }>('rows');
beforeAll(async () => {
  await control.db(database).createCollection('rows');
});
afterAll(() => control.close());

type Flow = (client: FlowClient, db: Db) => Promise<unknown>;

const scenarioOf = (
  flow: Flow,
  options: Partial<InterleaveOptions<unknown>> = {},
): Promise<InterleaveSession<unknown>> =>
  interleave<unknown>({
    uri: set.uri,
    database,
    clients: 2,
    flow: (client, db) => flow(client, db),
    reset: async (db) => void (await rowsOf(db).deleteMany({})),
    check: () => undefined,
    ...options,
  });

describe('a flow that ends before it has sent anything', () => {
  test('its own error comes first', async () => {
    const mine = new TypeError('mine');
    await using session = await scenarioOf(async () => {
      throw mine;
    });
    await expect(session.explore()).rejects.toThrow(
      expect.objectContaining({
        code: 'nothing-held',
        message: 'A threw TypeError: mine before it sent any command.',
        cause: mine,
      }),
    );
  });

  test('a lone unacknowledged write', async () => {
    await using session = await scenarioOf((_client, db) =>
      rowsOf(db).insertOne({ _id: 'x' }, { writeConcern: { w: 0 } }),
    );
    await expect(session.explore()).rejects.toThrow(expect.objectContaining({ code: 'unsupported-protocol' }));
  });

  test.each<[string, Flow]>([
    ['sends nothing', async () => 'done'],
    [
      'does not await what it starts',
      async (_client, db) => {
        const late = async (): Promise<unknown> => rowsOf(db).findOne({}).catch(String);
        setTimeout(() => void late());
      },
    ],
    ['has a client that is not connected to client.uri', () => rowsOf(control.db(database)).findOne({})],
  ])('a flow that %s is asked for its usual causes', async (_, flow) => {
    await using session = await scenarioOf(flow);
    await expect(session.run('v1:A')).rejects.toThrow(
      expect.objectContaining({
        code: 'nothing-held',
        message: expect.stringMatching(/Does the flow await or return .* connected to client\.uri\?$/),
      }),
    );
  });
});

describe('ends', () => {
  test('are counted for each client, over all classes', async () => {
    await using session = await scenarioOf((_client, db) => rowsOf(db).insertOne({ _id: 'x' }));
    const { ends, complete } = await session.explore();
    const once = { returned: 1, threw: 1, hanging: 0 };
    expect({ ends, complete }).toEqual({ ends: [once, once], complete: true });
  });

  const failing: Flow = async (_client, db) => {
    await rowsOf(db).findOne({});
    throw new RangeError('a wrong BSON version');
  };
  const allThrew = expect.objectContaining({
    code: 'all-threw',
    message: expect.stringContaining('A threw RangeError: a wrong BSON version'),
  });

  test('that are all errors are refused: such a green is vacuous', async () => {
    await using session = await scenarioOf(failing);
    await expect(session.explore()).rejects.toThrow(allThrew);
    await expect(session.sample({ strategy: 'random', maxRuns: 3 })).rejects.toThrow(allThrew);
  });

  test('unless that is meant', async () => {
    await using session = await scenarioOf(failing, { mayAllThrow: true });
    const end = { returned: 0, threw: 1, hanging: 0 };
    expect(await session.explore()).toMatchObject({ complete: true, violations: [], ends: [end, end] });
  });

  test('and a violation is told as ever', async () => {
    await using session = await scenarioOf(failing, {
      check: () => {
        throw new Error('wrong');
      },
    });
    expect(await session.explore()).toMatchObject({ violated: 1 });
  });
});
