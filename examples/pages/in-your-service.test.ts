import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect, promisify } from 'node:util';
import {
  createRotator,
  definePool,
  incarnationOf,
  keypool,
  RotationError,
  type KeyDocument,
  type RecordArchive,
  type RotationEvent,
  type RotationOutcome,
  type Rotator,
} from 'keypool';
import { MongoClient, type Db, type MongoClient as Client } from 'mongodb';
import mongoose from 'mongoose';
import { backupsOf, bindingsOf, createRotatorOf, keysOf, referenceFlow, type FlowParts } from 'rotation-core/testing';
import { createTestDatabaseName, oneMemberSet, openPage, startOwnMongod, type OwnMongod } from 'test-kit';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';

/* The code of docs/in-your-service.md runs here. What it shows is what comes out. */

const page = await openPage(new URL('../../docs/in-your-service.md', import.meta.url), import.meta.url);
/** For a server with users; where the tests' set is not a local one, that test is skipped, and its snippet with it. */
const mongod = inject('mongod') ?? '';
const { uri } = oneMemberSet();
const database = createTestDatabaseName('service_page');
const control = new MongoClient(uri);
const own = control.db(database);
const MAX_POLLS = 200;

const key = (_id: string): KeyDocument => ({ _id, apiKey: `made up ${_id}`, status: 'healthy', createdAt: new Date() });

/** Two keys with a proxy each, and three free backups. */
async function fill(db: Db): Promise<void> {
  const [keys, backups, bindings] = [keysOf(db, keypool), backupsOf(db, keypool), bindingsOf(db, keypool)];
  for (const collection of [keys, backups, bindings]) await collection.deleteMany({});
  await keys.insertMany([key('k1'), key('k2')]);
  await backups.insertMany(['b1', 'b2', 'b3'].map((id) => ({ ...key(id), isUsed: false })));
  await bindings.insertMany(['k1', 'k2'].map((id) => ({ proxyId: `proxy of ${id}`, [keypool.bindingKeyField]: id })));
}

beforeAll(() => createRotator(own, keypool).ensureIndexes());
beforeEach(() => fill(own));
afterAll(async () => {
  await own.dropDatabase();
  await control.close();
});

test('with require', async () => {
  const program = page.take('const { createRotator, keypool } = require');
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ['-e', program], {
    cwd: new URL('..', import.meta.url),
    env: { ...process.env, MONGODB_URI: uri },
  });
  page.printed(stdout);
  expect(stderr).toBe('');
});

test('with mongoose', async () => {
  // MONGOOSE
  const connection = await mongoose.createConnection(uri, { dbName: database }).asPromise();
  if (connection.db === undefined) throw new Error('not connected');
  const rotator = createRotator(connection.db, keypool);
  // END
  page.ran('MONGOOSE');
  expect(await rotator.rotate('k1')).toMatchObject({ kind: 'rotated' });
  await connection.close();
});

describe.skipIf(mongod === '')('a user with few rights', () => {
  const pwd = 'none';

  async function createUsers(client: Client): Promise<void> {
    const admin = client.db('admin');
    for (let poll = 0; poll < MAX_POLLS; poll++) {
      if ((await admin.command({ hello: 1 }))['isWritablePrimary'] === true) break;
      await sleep(50);
    }
    await admin.command({ createUser: 'root', pwd, roles: ['root'] });
  }

  /** Everything that a service does. */
  async function useAll(rotator: Rotator): Promise<void> {
    await rotator.ensureIndexes();
    const used = key('k1');
    const { createdAt: _time, ...stored } = used;
    await rotator.handleFailure(stored, { status: 429, body: '' });
    await rotator.rotate('k1');
    await rotator.bind({ proxyId: 'p', keyId: 'k2' });
    await rotator.sweep();
    await rotator.findRotation('none');
    await rotator.restoreBackup('b9');
  }

  let server: OwnMongod;
  let db: Db;
  const connectAs = async (user: string): Promise<Db> =>
    (await server.connect({ auth: { username: user, password: pwd }, authSource: database })).db(database);
  beforeAll(async () => {
    server = await startOwnMongod(mongod, { hasUsers: true });
    await createUsers(await server.connect());
    db = (await server.connect({ auth: { username: 'root', password: pwd } })).db(database);
  });
  afterAll(() => server[Symbol.asyncDispose]());

  test('has all of them, and each is needed', { timeout: 120_000 }, async () => {
    // ROLE
    const { keys, backups, bindings } = keypool.collections;
    const on = (collection: string, actions: string[]) => ({
      resource: { db: database, collection },
      actions: [...actions, 'listIndexes'],
    });
    const privileges = [
      { resource: { db: database, collection: '' }, actions: ['listCollections'] },
      on(keys, ['find', 'insert', 'update', 'remove']),
      on(backups, ['find', 'update']),
      on(bindings, ['find', 'insert', 'update']),
    ];
    await db.command({ createRole: 'rotation', privileges, roles: [] });
    await db.command({ createUser: 'proxy', pwd, roles: ['rotation'] });
    // END
    page.ran('ROLE');
    const service = await connectAs('proxy');
    const rotator = createRotator(service, keypool);

    // To create indexes, two more are needed.
    await expect(rotator.ensureIndexes()).rejects.toThrow('createCollection');
    const creating = [keys, backups, bindings].map((collection) => ({
      resource: { db: database, collection },
      actions: ['createCollection', 'createIndex'],
    }));
    await db.command({ updateRole: 'rotation', privileges: [...privileges, ...creating] });
    await rotator.ensureIndexes();
    expect(page.text).toContain('`createCollection` and `createIndex`');

    const refill = async (): Promise<void> => {
      await fill(db);
      await backupsOf(db, keypool).insertOne({ ...key('b9'), isUsed: true });
      await keysOf(db, keypool).updateMany({}, { $unset: { createdAt: 1 } });
      await bindingsOf(db, keypool).insertOne({ proxyId: 'stray', [keypool.bindingKeyField]: 'gone' });
    };
    await db.command({ updateRole: 'rotation', privileges });
    await refill();
    await useAll(rotator);

    for (const [index, { resource, actions }] of privileges.entries())
      for (const action of actions) {
        const fewer = privileges.with(index, { resource, actions: actions.filter((one) => one !== action) });
        const granted = fewer.filter((one) => one.actions.length > 0);
        await db.command({ updateRole: 'rotation', privileges: granted });
        await refill();
        await expect(useAll(rotator), `without ${action} on ${resource.collection}`).rejects.toThrow('(13)');
      }

    // Other pools.
    const status = { exhausted: 'exhausted', 'auth-error': 'need_refresh' } as const;
    const kept = definePool({ ...keypool, retirement: { kind: 'keep', status } });
    const withoutRemove = privileges.with(1, on(keys, ['find', 'insert', 'update']));
    await db.command({ updateRole: 'rotation', privileges: withoutRemove });
    await refill();
    await useAll(createRotator(service, kept));
    const archives: readonly [RecordArchive | string, string[]][] = [
      ['copies', ['insert', 'update']],
      [{ collection: 'records', deletedBy: 'proxy' }, ['insert']],
    ];
    for (const [archive, actions] of archives) {
      const archiving = definePool({ ...keypool, retirement: { kind: 'delete', archive } });
      await createRotator(db, archiving).ensureIndexes();
      const collection = typeof archive === 'string' ? archive : archive.collection;
      await db.command({ updateRole: 'rotation', privileges: [...privileges, on(collection, actions)] });
      await refill();
      await useAll(createRotator(service, archiving));
    }
    await db.command({ updateRole: 'rotation', privileges });
  });

  test('a transaction that a dead process left open is ended by another process of the same user', async () => {
    await db.command({ createUser: 'other', pwd, roles: ['rotation'] });
    await fill(db);
    const [held, same, other] = [await connectAs('proxy'), await connectAs('proxy'), await connectAs('other')];
    const reached = Promise.withResolvers<undefined>();
    const goOn = Promise.withResolvers<undefined>();
    const { moveBindings } = referenceFlow.steps;
    const dying: FlowParts = {
      ...referenceFlow,
      steps: {
        ...referenceFlow.steps,
        moveBindings: async (...args) => {
          reached.resolve(undefined);
          await goOn.promise;
          return moveBindings(...args);
        },
      },
    };
    const left = createRotatorOf(dying, held, keypool, { deadlineMs: 50_000 }).rotate('k1');
    await reached.promise;
    const options = { endAbandonedAfterMs: 1_000 };
    const keptOut = await createRotator(other, keypool, options).rotate('k1', { deadlineMs: 4_000 });
    expect(['busy', 'indeterminate']).toContain(keptOut.kind);
    const outcome = await createRotator(same, keypool, options).rotate('k1', { deadlineMs: 30_000 });
    expect(outcome).toMatchObject({ kind: 'rotated' });
    goOn.resolve(undefined);
    expect(await left).toMatchObject({ kind: 'already-rotated' });
  });
});

test('the start', async () => {
  const events: RotationEvent[] = [];
  const log = (event: RotationEvent): void => void events.push(event);
  // START
  const client = new MongoClient(uri, { appName: 'proxy' });
  const rotator = createRotator(client.db(database), keypool, { onEvent: log });

  const missing = await rotator.checkIndexes();
  if (missing.length > 0) throw new Error(`ensureIndexes has not run: ${inspect(missing)}`);
  // END
  page.ran('START');
  expect(await rotator.rotate('k1')).toMatchObject({ kind: 'rotated' });
  expect(events.map(({ type }) => type)).toContain('rotated');
  await client.close();
});

test('the table has all indexes', async () => {
  const empty = control.db(createTestDatabaseName('service_page_empty'));
  const missing = await createRotator(empty, keypool).checkIndexes();
  const indexes = missing.filter((one) => one.kind === 'index');
  const rows = [...page.text.matchAll(/^\| `(rotation_\w+)` +\| (\w+) +\|/gm)];
  const roles = new Map(Object.entries(keypool.collections).map(([role, name]) => [name, role]));
  expect(rows.map(([, name, role]) => `${role}: ${name}`).toSorted()).toEqual(
    indexes.map(({ name, collection }) => `${roles.get(collection)}: ${name}`).toSorted(),
  );
});

/** Answers 401 to the keys that are refused, and 200 to others. */
async function startUpstream(refused: ReadonlySet<string>): Promise<Server> {
  const server = createServer(({ headers }, response) => {
    const apiKey = (headers.authorization ?? '').replace('Bearer ', '');
    response.writeHead(refused.has(apiKey) ? 401 : 200).end('{}');
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return server;
}

const urlOf = (server: Server): string => `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;

test('where the upstream fails', async () => {
  const server = await startUpstream(new Set([key('k1').apiKey]));
  const upstream = urlOf(server);
  const rotator = createRotator(own, keypool);
  // FAILURE
  /** @returns the id of the key to go on with; undefined where the client has to be told of the failure */
  async function onFailure(used: KeyDocument, response: Response, signal: AbortSignal): Promise<string | undefined> {
    const { status, headers } = response;
    const outcome = await rotator.handleFailure(used, { status, headers, body: await response.text() }, { signal });
    switch (outcome.kind) {
      case 'rotated': // by this call
      case 'already-rotated': // by another one, maybe in another process
        return outcome.replacement;
      default:
        return undefined;
    }
  }
  // END
  const call = ({ apiKey }: KeyDocument): Promise<Response> =>
    fetch(upstream, { headers: { authorization: `Bearer ${apiKey}` } });
  const used = await keysOf(own, keypool).findOne({ _id: 'k1' });
  if (used === null) throw new Error('k1 is gone');
  const first = await call(used);
  expect(first.status).toBe(401);
  const next = await onFailure(used, first, AbortSignal.timeout(10_000));
  const replacement = await keysOf(own, keypool).findOne({ _id: next ?? '' });
  if (replacement === null) throw new Error('there is no replacement');
  const second = await call(replacement);
  expect(second.status).toBe(200);
  await second.text();
  page.ran('FAILURE');
  server.close();
});

test('the other verbs', async () => {
  const rotator = createRotator(own, keypool);
  await backupsOf(own, keypool).deleteMany({ _id: { $ne: 'b1' } });
  const used = await keysOf(own, keypool).findOne({ _id: 'k1' });
  if (used === null) throw new Error('k1 is gone');
  // ROTATE
  const outcome = await rotator.rotate('k1', { incarnation: incarnationOf(used), reason: 'auth-error' });
  // END
  page.ran('ROTATE');
  expect(outcome).toMatchObject({ kind: 'rotated', replacement: 'b1' });

  // BIND
  const bound = await rotator.bind({ proxyId: 'p9', keyId: 'k1', fields: { priority: 2 } });
  // END
  page.ran('BIND');
  page.printed(inspect(bound));

  for (const id of ['k1', 'gone']) await bindingsOf(own, keypool).insertOne({ proxyId: 'stray', factoryKeyId: id });
  // SWEEP
  const swept = await rotator.sweep();
  // END
  page.ran('SWEEP');
  page.printed(inspect(swept));
});

test('deadlines and signals', async () => {
  const rotator = createRotator(own, keypool);
  // SIGNAL
  async function rotateFor(request: AbortSignal): Promise<RotationOutcome | undefined> {
    try {
      return await rotator.rotate('k1', { deadlineMs: 2_000, signal: request });
    } catch (error) {
      if (error instanceof RotationError && error.code === 'aborted') return undefined; // nobody waits any more
      throw error;
    }
  }
  // END
  page.ran('SIGNAL');
  const gone = new AbortController();
  const left = rotateFor(gone.signal);
  gone.abort();
  expect(await left).toBeUndefined();
  // The rotation goes on without this caller, and others may share it.
  const { kind } = await rotator.rotate('k1');
  expect(['rotated', 'already-rotated']).toContain(kind);
  expect(await rotateFor(new AbortController().signal)).toMatchObject({ kind: 'already-rotated' });
  expect(await backupsOf(own, keypool).countDocuments({ isUsed: true })).toBe(1);
});

test('the end', async () => {
  const client = new MongoClient(uri);
  const rotator = createRotator(client.db(database), keypool);
  const server = createServer((_request, response) => {
    void rotator.rotate('k1').then(({ kind }) => response.end(kind));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  // END_OF_SERVICE
  async function shutDown(): Promise<void> {
    server.close(); // takes no new requests
    await once(server, 'close'); // those under way have been answered
    await client.close();
  }
  // END
  page.ran('END_OF_SERVICE');
  const arrived = once(server, 'request');
  const answer = fetch(urlOf(server), { headers: { connection: 'close' } });
  await arrived;
  await shutDown();
  expect(await (await answer).text()).toBe('rotated');
});

test('packaging/consumers.test.ts installs as the page says', async () => {
  const packaging = await readFile(new URL('../../packaging/consumers.test.ts', import.meta.url), 'utf8');
  for (const beginning of ['npm install', 'overrides:']) {
    page.take(beginning);
    expect(packaging).toContain(`blockOf('${beginning}')`);
  }
});

test('each block of the page was run', () => {
  const skipped = mongod === '' ? ['createRole'] : [];
  expect(page.untried().filter((code) => !skipped.some((word) => code.includes(word)))).toEqual([]);
});
