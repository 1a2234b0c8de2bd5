import { connect } from 'node:net';
import { once } from 'node:events';
import { MongoClient, type Db, type MongoClientOptions } from 'mongodb';
import { createTestDatabaseName, exploringSet } from 'test-kit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openGate, type Gate } from '../src/gate/index.ts';
import { interleave, type FlowClient, type InterleaveSession } from '../src/index.ts';
import { opMsg } from './support/wire.ts';

const set = exploringSet();
const server = { host: '127.0.0.1', port: set.port };
const database = createTestDatabaseName('gate');
const control = new MongoClient(set.uri);
beforeAll(async () => {
  await control.db(database).createCollection('c');
});
afterAll(() => control.close());

interface Numbered {
  readonly _id: number;
}

/** Releases what comes first, until all clients are done. */
async function releaseAll(gate: Gate): Promise<string[]> {
  const names: string[] = [];
  for (let held = await gate.quiet(); held[0] !== undefined; held = await gate.quiet()) {
    names.push(held[0].name);
    const reply = await gate.release(held[0]);
    reply.deliver();
  }
  return names;
}

const flowOf = (
  flow: (client: FlowClient, db: Db) => Promise<unknown>,
  { clients = 1, maxWaitMs, ...clientOptions }: MongoClientOptions & { clients?: number; maxWaitMs?: number } = {},
): Promise<InterleaveSession<unknown>> =>
  interleave({
    uri: set.uri,
    database,
    clients,
    flow,
    clientOptions,
    ...(maxWaitMs === undefined ? {} : { maxWaitMs }),
    reset: async (db) => {
      await db.collection('c').deleteMany({});
    },
    check: () => undefined,
  });

describe('what is held', () => {
  test('is what the driver says it sent: same number, same order, several at once included', async () => {
    await using gate = await openGate({ server, clients: 1, maxWaitMs: 20_000 });
    await using client = new MongoClient(gate.uri(0), { monitorCommands: true });
    await client.connect();
    const sent: string[] = [];
    let underWay = 0;
    client.on('commandStarted', ({ commandName }) => sent.push(commandName));
    client.on('connectionCheckOutStarted', () => underWay++);
    client.on('connectionCheckedIn', () => {
      underWay--;
      gate.recheck();
    });
    const c = client.db(database).collection<Numbered>('c');
    const flow = gate.enter(
      0,
      async () => {
        await c.insertMany([{ _id: 1 }, { _id: 2 }]);
        await Promise.all([c.findOne({ _id: 1 }), c.countDocuments(), c.deleteOne({ _id: 2 }), c.distinct('_id')]);
        await client.withSession((session) =>
          session.withTransaction(() => c.updateOne({ _id: 1 }, { $set: { x: 1 } }, { session })),
        );
        await c.insertOne({ _id: 3 });
        await c.find({}, { batchSize: 1 }).toArray();
      },
      () => underWay,
    );
    const released = await releaseAll(gate);
    await flow;
    expect(released).toEqual(sent);
    expect(released.toSorted()).toEqual(
      'insert find aggregate delete distinct update commitTransaction insert find getMore getMore'
        .split(' ')
        .toSorted(),
    );
  });

  test('are all commands that a client sends at once, and each of them is a choice', async () => {
    await using scenario = await flowOf(async (_client, db) => {
      const c = db.collection<Numbered>('c');
      await Promise.all([c.findOne({ _id: 1 }), c.deleteOne({ _id: 2 }), c.insertOne({ _id: 3 })]);
    });
    // All orders: a delete that finds nothing is a write all the same.
    const { classes } = await scenario.explore();
    expect(classes).toBe(6);
    const { trace } = await scenario.run('v1:A2A2A');
    expect(trace.map(({ command }) => command)).toEqual(['find', 'insert', 'delete']);
  });

  test('is nothing before a flow has begun and after it has ended', async () => {
    await using gate = await openGate({ server, clients: 1, maxWaitMs: 5_000 });
    await using client = new MongoClient(gate.uri(0));
    const c = client.db(database).collection<Numbered>('c');
    await c.findOne({ _id: 1 });
    const flow = gate.enter(0, () => c.findOne({ _id: 1 }));
    expect(await releaseAll(gate)).toEqual(['find']);
    await flow;
    await c.findOne({ _id: 1 });
  });

  test('is never a command without data', async () => {
    await using scenario = await flowOf((_client, db) => db.command({ ping: 1 }));
    await expect(scenario.explore()).rejects.toThrow(expect.objectContaining({ code: 'nothing-held' }));
  });
});

test('compression is switched off in the handshake', async () => {
  await using scenario = await flowOf((_client, db) => db.collection('c').findOne({ x: 'x'.repeat(1_000) }), {
    compressors: ['zlib'],
  });
  const { trace } = await scenario.run('v1:A');
  expect(trace.map(({ command }) => command)).toEqual(['find']);
});

describe('a clear error', () => {
  test('for an unacknowledged write', async () => {
    await using scenario = await flowOf(async (_client, db) => {
      await db.collection('c').insertOne({}, { writeConcern: { w: 0 } });
      await db.collection('c').findOne({});
    });
    await expect(scenario.explore()).rejects.toThrow(
      expect.objectContaining({
        code: 'unsupported-protocol',
        message: expect.stringMatching(/^Client A: .*"insert".*unacknowledged.*other than w: 0/),
      }),
    );
  });

  test('for TLS', async () => {
    await using gate = await openGate({ server, clients: 1 });
    await using client = new MongoClient(gate.uri(0), { tls: true, serverSelectionTimeoutMS: 500 });
    await expect(client.connect()).rejects.toThrow(/closed|socket|TLS/i);
    await expect(gate.quiet()).rejects.toThrow(expect.objectContaining({ code: 'unsupported-protocol' }));
  });

  const compressed = opMsg({ find: 'c' });
  compressed.writeInt32LE(2012, 12);
  test.each([
    ['a compressed message', compressed, 'OP_COMPRESSED'],
    ['an exhaust cursor', opMsg({ find: 'c', $db: database }, { flags: 1 << 16 }), 'exhaust'],
  ])('for %s', async (_what, frame, words) => {
    await using gate = await openGate({ server, clients: 1, maxWaitMs: 5_000 });
    const ended = Promise.withResolvers<void>();
    const flow = gate.enter(0, () => ended.promise);
    const socket = connect(Number(new URL(gate.uri(0)).port), '127.0.0.1');
    socket.write(frame);
    await expect(gate.quiet()).rejects.toThrow(
      expect.objectContaining({ code: 'unsupported-protocol', message: expect.stringContaining(words) }),
    );
    socket.destroy();
    ended.resolve();
    await flow;
  });

  test.each([0, 27, 1.5])('for %d clients', async (clients) => {
    await expect(openGate({ server, clients })).rejects.toThrow(expect.objectContaining({ code: 'invalid-option' }));
  });
});

describe('the watchdog', () => {
  test('ends the run and names the client that it waited for; the session goes on', async () => {
    let hangs = true;
    await using scenario = await flowOf(
      async ({ letter }, db) => {
        if (letter === 'B' && hangs) await new Promise(() => undefined);
        await db.collection('c').findOne({});
      },
      { clients: 2, maxWaitMs: 300 },
    );
    expect(await scenario.run('v1:AB')).toMatchObject({
      outcomes: [{ kind: 'hanging' }, { kind: 'hanging' }],
      verdict: {
        kind: 'unknown',
        error: { code: 'watchdog', message: expect.stringMatching(/300 ms for B to send.*timer/) },
      },
    });
    hangs = false;
    expect(await scenario.run('v1:AB')).toMatchObject({ token: 'v1:AB', verdict: { kind: 'valid' } });
  });

  test('names the command that the server does not answer', async () => {
    await using gate = await openGate({ server, clients: 1, maxWaitMs: 300 });
    await using client = new MongoClient(gate.uri(0));
    const sleep = { $where: 'sleep(3000) || true' };
    await control.db(database).collection('slow').insertOne({});
    const flow = gate
      .enter(0, () => client.db(database).collection('slow').findOne(sleep))
      .catch((error: unknown) => error);
    const [held] = await gate.quiet();
    if (held === undefined) throw new Error('nothing held');
    await expect(gate.release(held)).rejects.toThrow(
      expect.objectContaining({ code: 'watchdog', message: expect.stringContaining('answer "find" of A') }),
    );
    await client.close();
    expect(await flow).toBeInstanceOf(Error);
  });
});

test('nothing listens when it is closed, and no connection is left', async () => {
  const connections = async (): Promise<number> => {
    const { connections: counts } = await control.db('admin').command({ serverStatus: 1 });
    return counts.current;
  };
  const before = await connections();
  const ports: number[] = [];
  {
    await using scenario = await flowOf(
      ({ uri }, db) => {
        ports.push(Number(new URL(uri).port));
        return Promise.all([db.collection('c').findOne({}), db.collection('c').findOne({})]);
      },
      { clients: 2 },
    );
    await scenario.run('v1:AABB');
    expect(await connections()).toBeGreaterThan(before);
  }
  for (const port of ports) {
    const [error] = await once(connect(port, '127.0.0.1'), 'error');
    expect(error).toMatchObject({ code: 'ECONNREFUSED' });
  }
  // The server learns of the end by and by.
  await expect.poll(connections, { timeout: 10_000 }).toBeLessThanOrEqual(before);
});
