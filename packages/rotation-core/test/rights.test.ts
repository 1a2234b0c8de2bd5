import { setTimeout as sleep } from 'node:timers/promises';
import type { MongoClient } from 'mongodb';
import { expect, inject, test } from 'vitest';
import { createRotator } from '../src/index.ts';
import { backup, binding, key, seed } from './support/documents.ts';
import { asRotated, rejection } from './support/outcomes.ts';
import { startOwnMongod } from 'test-kit';
import { archivingPool as pool } from './support/pools.ts';

/** For a server with users; where the tests' set is not a local one, the test is skipped. */
const mongod = inject('mongod') ?? '';
const NAME = 'rotation_test_rights';
const pwd = 'none';
const MAX_ELECTION_POLLS = 200;

async function createUsers(client: MongoClient): Promise<void> {
  const admin = client.db('admin');
  for (let poll = 0; poll < MAX_ELECTION_POLLS; poll++) {
    if ((await admin.command({ hello: 1 }))['isWritablePrimary'] === true) break;
    await sleep(50);
  }
  await admin.command({ createUser: 'root', pwd, roles: ['root'] });
}

// Red where ensureIndexes creates without looking: Unauthorized, although everything is there.
test.skipIf(mongod === '')('a user who may read, write and list needs no more, if everything is there', async () => {
  await using server = await startOwnMongod(mongod, { hasUsers: true });
  await createUsers(await server.connect());
  const rootDb = (await server.connect({ auth: { username: 'root', password: pwd } })).db(NAME);
  const actions = ['find', 'insert', 'update', 'remove', 'listCollections', 'listIndexes'];
  const privileges = [{ resource: { db: NAME, collection: '' }, actions }];
  await rootDb.command({ createRole: 'service', privileges, roles: [] });
  await rootDb.command({ createUser: 'service', pwd, roles: ['service'] });
  const serviceDb = (await server.connect({ auth: { username: 'service', password: pwd }, authSource: NAME })).db(NAME);
  const rotator = createRotator(serviceDb, pool);

  expect(await rotator.checkIndexes()).toHaveLength(12);
  const refused = await rejection(rotator.ensureIndexes(), 'database');
  expect(refused.message).toMatch(
    /^ensureIndexes: the server refused createIndexes on keys: Unauthorized \(13\)\. Grant the user .* createCollection/,
  );

  await createRotator(rootDb, pool).ensureIndexes();
  await rootDb.collection('backups').dropIndex('rotation_free');
  expect(await rotator.checkIndexes()).toEqual([
    {
      kind: 'index',
      collection: 'backups',
      name: 'rotation_free',
      description: { name: 'rotation_free', key: { isUsed: 1, _id: 1 } },
    },
  ]);
  await createRotator(rootDb, pool).ensureIndexes();

  await rotator.ensureIndexes();
  await seed(rootDb, pool, {
    keys: [key('k1')],
    backups: [backup('b1'), backup('b2', { isUsed: true })],
    bindings: [binding('p1', 'k1'), binding('p2', 'gone')],
  });
  const { rotationId } = asRotated(await rotator.rotate('k1'));
  expect(await rotator.findRotation(rotationId)).toMatchObject({ keyId: 'k1' });
  expect(await rotator.bind({ proxyId: 'p3', keyId: 'k1' })).toMatchObject({ kind: 'bound' });
  expect(await rotator.sweep()).toEqual({ moved: 0, unresolved: ['gone'] });
  expect(await rotator.restoreBackup('b2')).toEqual({ kind: 'restored' });
});
