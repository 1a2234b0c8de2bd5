import { createTestDatabaseName, oneMemberSet } from 'test-kit';
import { MongoClient, type Collection, type MongoClientOptions } from 'mongodb';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openWire, type Disturbance, type Wire } from '../src/gate/wire.ts';

interface Item {
  readonly _id: number;
}

const name = createTestDatabaseName('wire');
const clients: MongoClient[] = [];
let direct: Collection<Item>;
let wire: Wire;
let items: Collection<Item>;

/** A client that knows the wire's address alone. */
function connect(options: MongoClientOptions = {}): MongoClient {
  const hosts = wire.addresses.map(({ host, port }) => `${host}:${port}`).join(',');
  const uri = oneMemberSet().uri.replace(/\/\/[^/]*/, `//${hosts}`);
  const client = new MongoClient(uri, { retryWrites: false, serverSelectionTimeoutMS: 2_000, ...options });
  clients.push(client);
  return client;
}

beforeAll(async () => {
  const client = new MongoClient(oneMemberSet().uri);
  clients.push(client);
  direct = client.db(name).collection<Item>('items');
  wire = await openWire([{ host: '127.0.0.1', port: oneMemberSet().port }]);
  items = connect().db(name).collection<Item>('items');
});
afterAll(async () => {
  await direct.db.dropDatabase();
  await Promise.all(clients.map((client) => client.close()));
  await wire[Symbol.asyncDispose]();
});
beforeEach(async () => {
  await direct.deleteMany({});
});

const always = (disturbance: Omit<Disturbance, 'meets'>): Disturbance => ({ ...disturbance, meets: () => true });
const ids = async (): Promise<number[]> => (await direct.find().sort({ _id: 1 }).toArray()).map(({ _id }) => _id);

test('everything passes, and the members tell the addresses of the wire', async () => {
  await items.insertOne({ _id: 1 });
  expect(await ids()).toEqual([1]);
  const [address] = wire.addresses;
  const told = `${address?.host}:${address?.port}`;
  expect(await items.db.admin().command({ hello: 1 })).toMatchObject({ hosts: [told], me: told, primary: told });
});

describe('one command of each', () => {
  test('lost-reply: it runs, and the caller is told that the connection was closed', async () => {
    wire.disturb(always({ kind: 'lost-reply' }));
    await expect(items.insertOne({ _id: 1 })).rejects.toThrow(/connection .* closed/);
    expect(wire.mend()).toBe(1);
    expect(await ids()).toEqual([1]);
  });

  test('reset: it does not run, and the caller is told that the connection was closed', async () => {
    wire.disturb(always({ kind: 'reset' }));
    await expect(items.insertOne({ _id: 1 })).rejects.toThrow(/connection .* closed/);
    expect(wire.mend()).toBe(1);
    expect(await ids()).toEqual([]);
  });

  test('delay: it runs later', async () => {
    wire.disturb(always({ kind: 'delay', delayMs: 300 }));
    const beganAtMs = performance.now();
    await items.insertOne({ _id: 1 });
    expect(performance.now() - beganAtMs).toBeGreaterThanOrEqual(299);
    expect(wire.mend()).toBe(1);
  });

  test('half-open: it runs, and the caller is told nothing until all is mended', async () => {
    wire.disturb(always({ kind: 'half-open' }));
    let isTold = false;
    const inserting = items.insertOne({ _id: 1 }).finally(() => (isTold = true));
    inserting.catch(() => undefined);
    await expect.poll(ids).toEqual([1]);
    expect(isTold).toBe(false);
    expect(wire.mend()).toBe(1);
    await expect(inserting).rejects.toThrow(/connection .* closed/);
  });

  test('a command that it does not meet', async () => {
    wire.disturb({ kind: 'reset', meets: () => false });
    await items.insertOne({ _id: 1 });
    expect(wire.mend()).toBe(0);
  });
});

test('cut-off: nobody reaches the member until all is mended', async () => {
  await items.insertOne({ _id: 1 });
  wire.disturb(always({ kind: 'cut-off', member: 0 }));
  const inserting = items.insertOne({ _id: 2 });
  inserting.catch(() => undefined);
  await expect(connect({ serverSelectionTimeoutMS: 500 }).db(name).command({ ping: 1 })).rejects.toThrow(
    'connection <monitor>',
  );
  expect(await ids()).toEqual([1]);
  expect(wire.mend()).toBe(1);
  await expect(inserting).rejects.toThrow(/connection .* closed/);
  await items.insertOne({ _id: 3 });
  expect(await ids()).toEqual([1, 3]);
});

test('cut-off of another member', async () => {
  wire.disturb(always({ kind: 'cut-off', member: 1 }));
  await items.insertOne({ _id: 1 });
  expect(wire.mend()).toBe(0);
});
