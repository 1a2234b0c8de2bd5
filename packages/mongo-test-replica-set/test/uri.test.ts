import { MongoInstance } from 'mongodb-memory-server-core';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startReplicaSet, type ReplicaSet } from 'mongo-test-replica-set';
import { startLocalSet } from './local-set.ts';

let given: ReplicaSet;

beforeAll(async () => {
  given = await startLocalSet({ members: 1 });
});
afterAll(() => given.stop());

test('a given replica set is used, never disturbed, and still there afterwards', async () => {
  const set = await startReplicaSet({ environment: { MONGODB_URI: given.uri }, members: 3 });
  expect(set).toMatchObject({ provider: 'uri', storage: 'external', uri: given.uri, passedOver: [] });
  expect(set.members).toEqual(given.members);
  expect(await set.primary()).toEqual(given.members[0]);
  for (const disturb of [() => set.killMember('primary'), () => set.stepDown()]) {
    await expect(disturb()).rejects.toMatchObject({ code: 'unsupported' });
  }
  await set.stop();
  expect(await given.primary()).toEqual(given.members[0]);
});

test('a standalone mongod is refused with the remedy', async () => {
  const dbPath = await mkdtemp(join(tmpdir(), 'standalone-'));
  const port = 19_000 + (process.pid % 1_000);
  const standalone = await MongoInstance.create({
    instance: { port, dbPath, ip: '127.0.0.1', storageEngine: 'wiredTiger', args: ['--nounixsocket'] },
    binary: { systemBinary: given.mongod ?? '', version: given.serverVersion },
  });
  try {
    const start = startReplicaSet({ environment: { MONGODB_URI: `mongodb://127.0.0.1:${port}/` } });
    await expect(start).rejects.toMatchObject({
      code: 'unusable',
      message:
        'MONGODB_URI points to a standalone mongod, and transactions need a replica set. Start it with --replSet and ' +
        'run rs.initiate() once, name a replica set, or unset MONGODB_URI to use another MongoDB.',
    });
  } finally {
    await standalone.stop();
    await rm(dbPath, { recursive: true });
  }
});

test('a URI that cannot be read is refused without repeating its password', async () => {
  const start = startReplicaSet({ environment: { MONGODB_URI: 'mongodb://user:secret@host:notaport/' } });
  await expect(start).rejects.toMatchObject({
    code: 'unusable',
    message: expect.not.stringContaining('secret'),
  });
});

test('the uri provider without MONGODB_URI says so', async () => {
  await expect(startReplicaSet({ provider: 'uri', environment: {} })).rejects.toMatchObject({
    code: 'no-mongodb',
    message: expect.stringContaining('uri: MONGODB_URI is not set'),
  });
});
