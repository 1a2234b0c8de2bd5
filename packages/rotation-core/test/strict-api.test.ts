import { openTestDatabase } from 'test-kit';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { createRotator } from '../src/index.ts';
import { backup, binding, key, seed } from './support/documents.ts';
import { asRotated } from './support/outcomes.ts';
import { archivingPool, keepingPool } from './support/pools.ts';

/* The strict stable API: the server refuses every command, option and stage that a later version may lack. */
const database = await openTestDatabase('strict_api');
const { db } = database;
const strictDb = await database.connect({ serverApi: { version: '1', strict: true, deprecationErrors: true } });
afterAll(() => database.close());
beforeEach(() => db.dropDatabase());

// Red where boundKeys uses `distinct`: APIStrictError at the first exhausted key of a pool that knows kept keys.
test.each([archivingPool, keepingPool])('all verbs pass ($name)', async (pool) => {
  const rotator = createRotator(strictDb, pool);
  expect(await rotator.checkIndexes()).not.toEqual([]);
  await rotator.ensureIndexes();
  await rotator.ensureIndexes();
  expect(await rotator.checkIndexes()).toEqual([]);
  await seed(db, pool, {
    keys: [key('k1', { status: 'exhausted' }), key('k2')],
    backups: [backup('b1'), backup('b2'), backup('b3', { isUsed: true })],
    bindings: [binding('p1', 'k2'), binding('p2', 'gone')],
  });
  const { replacement, rotationId } = asRotated(await rotator.rotate('k1'));
  expect(await rotator.rotate('k1')).toMatchObject({ kind: 'already-rotated' });
  expect(await rotator.findRotation(rotationId)).toEqual({ keyId: 'k1', replacement });
  expect(await rotator.bind({ proxyId: 'p3', keyId: 'k1' })).toEqual({ kind: 'bound', keyId: replacement });
  await db.collection('bindings').insertOne(binding('p4', 'k1'));
  expect(await rotator.sweep()).toEqual({ moved: 1, unresolved: ['gone'] });
  expect(await rotator.restoreBackup('b3')).toEqual({ kind: 'restored' });
  asRotated(await rotator.rotate('k2'));
  asRotated(await rotator.rotate(replacement));
  expect(await rotator.rotate('k3')).toMatchObject({ kind: 'not-found' });
});
