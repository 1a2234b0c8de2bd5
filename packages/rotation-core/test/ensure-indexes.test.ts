import type { Db } from 'mongodb';
import { openTestDatabase } from 'test-kit';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { createRotator, definePool, type Pool } from '../src/index.ts';
import { backup, backups, backupUsedByOldFlow, key, seed } from './support/documents.ts';
import { asRotated } from './support/outcomes.ts';
import { archivingPool, deletingPool } from './support/pools.ts';

const database = await openTestDatabase('ensure_indexes');
const { db } = database;
afterAll(() => database.close());
beforeEach(() => db.dropDatabase());

const rotator = createRotator(db, archivingPool);
const namesOf = async (collection: string) =>
  (await db.collection(collection).indexes()).map(({ name }) => String(name)).toSorted((a, b) => a.localeCompare(b));

test('creates the collections and the indexes, any number of times', async () => {
  for (let call = 0; call < 2; call++) await rotator.ensureIndexes();
  const collections = await db.listCollections({}, { nameOnly: true }).toArray();
  expect(collections.map(({ name }) => name).toSorted()).toEqual(['archive', 'backups', 'bindings', 'keys']);
  expect(await namesOf('backups')).toEqual([
    '_id_',
    'rotation_evidence',
    'rotation_free',
    'rotation_id',
    'rotation_one_claim_per_incarnation',
    'rotation_recent',
  ]);
  expect(await namesOf('bindings')).toEqual(['_id_', 'rotation_keyId']);
});

test('from several processes at once', async () => {
  const dbs: Db[] = [db, await database.connect(), await database.connect()];
  await Promise.all(dbs.map((each) => createRotator(each, archivingPool).ensureIndexes()));
  expect(await namesOf('backups')).toHaveLength(6);
});

test('makes no archive where the pool has none', async () => {
  await createRotator(db, deletingPool).ensureIndexes();
  expect(await db.listCollections({ name: 'archive' }).toArray()).toEqual([]);
});

// Red where IndexOptionsConflict is not passed over: services have such indexes already.
// Red where eligible fields are fields of the index: of one index only one may hold arrays, and the service's insert is refused (171).
test('the fields by which backups are eligible may hold arrays', async () => {
  const pool = definePool({ ...deletingPool, eligible: { models: 'gpt-4', regions: 'eu' } });
  await createRotator(db, pool).ensureIndexes();
  const listed = { models: ['gpt-4', 'o1'], regions: ['eu', 'us'] };
  await db.collection('backups').insertOne({ ...backup('b-listed', listed), _id: 'b-listed' as never });
  await db.collection('keys').insertOne({ ...key('k-listed'), _id: 'k-listed' as never });
  expect(await createRotator(db, pool).rotate('k-listed')).toMatchObject({ kind: 'rotated', replacement: 'b-listed' });
});

// Red where two definitions give two indexes the same name (86): a service whose pool was changed did not start.
test('the order and the choice of backups may change, and two pools may differ', async () => {
  const variants: readonly Partial<Pool>[] = [
    { order: { price: 1 } },
    { order: { price: -1 } },
    { eligible: { price: 5 } },
    { eligible: { price: 6 } },
    { eligible: { price: { $lt: 5 } } },
    { eligible: { expires: { $gt: new Date() } } },
    { eligible: { expires: { $gt: new Date(0) } } },
  ];
  for (const variant of variants) {
    const changed = createRotator(db, definePool({ ...deletingPool, ...variant }));
    await changed.ensureIndexes();
    expect(await changed.checkIndexes()).toEqual([]);
  }
  const names = (await db.collection('backups').indexes()).map(({ name }) => name);
  // A condition with an operator is left to the query: the last three share the plain index.
  expect(names.filter((name) => name?.startsWith('rotation_free'))).toHaveLength(5);
});

// Red where an index with the same fields counts, whatever it leaves out.
test.each([
  ['partial', { partialFilterExpression: { isActive: true } }],
  ['sparse', { sparse: true }],
  ['with a collation', { collation: { locale: 'en', strength: 2 } }],
])('an index that is %s does not serve', async (_what, options) => {
  await rotator.ensureIndexes();
  await db.collection('bindings').dropIndexes();
  await db.collection('bindings').createIndex({ keyId: 1 }, { name: 'own', ...options } as object);
  const missing = await rotator.checkIndexes();
  expect(missing).toMatchObject([{ kind: 'index', collection: 'bindings', name: 'rotation_keyId' }]);
});

test('leaves an index alone that a service has under another name', async () => {
  await db.collection('bindings').createIndex({ keyId: 1 });
  await db.collection('backups').createIndex({ isUsed: 1, _id: 1 }, { name: 'own' });
  await rotator.ensureIndexes();
  expect(await namesOf('bindings')).toEqual(['_id_', 'keyId_1']);
  expect(await namesOf('backups')).toEqual([
    '_id_',
    'own',
    'rotation_evidence',
    'rotation_id',
    'rotation_one_claim_per_incarnation',
    'rotation_recent',
  ]);
});

describe('the unique index', () => {
  // Red with a plain unique index on usedFor.
  test('stands several backups that older flows used for one key, and free ones', async () => {
    await seed(db, archivingPool, {
      backups: [backupUsedByOldFlow('b1', 'k1'), backupUsedByOldFlow('b2', 'k1'), backup('b3'), backup('b4')],
    });
    await rotator.ensureIndexes();
    expect(await namesOf('backups')).toContain('rotation_one_claim_per_incarnation');
    await seed(db, archivingPool, {
      backups: [backupUsedByOldFlow('b1', 'k1'), backupUsedByOldFlow('b2', 'k1'), backup('b3'), backup('b4')],
    });
  });

  // I1 as a rule of the database; red without `unique`.
  test("refuses a foreign writer's second claim for the same incarnation of a key", async () => {
    await rotator.ensureIndexes();
    await seed(db, archivingPool, { keys: [key('k1', { incarnation: 'life' })], backups: backups(2) });
    const { replacement } = asRotated(await rotator.rotate('k1'));
    const other = replacement === 'b1' ? 'b2' : 'b1';
    const claim = { isUsed: true, usedFor: 'k1', usedForIncarnation: 'life', usedIn: 'keys', rotationId: 'foreign' };
    const claimed = db.collection<{ _id: string }>('backups').updateOne({ _id: other }, { $set: claim });
    await expect(claimed).rejects.toMatchObject({ code: 11_000 });
    await db
      .collection<{ _id: string }>('backups')
      .updateOne({ _id: other }, { $set: { ...claim, usedForIncarnation: 'next life' } });
  });

  test('serves the hot reads: none scans a collection', async () => {
    await rotator.ensureIndexes();
    await seed(db, archivingPool, { backups: backups(50) });
    for (const query of [
      db.collection('backups').find({ isUsed: false }).project({ _id: 1 }).sort({ _id: 1 }).limit(10),
      db.collection('backups').find({ usedFor: { $in: ['k1', 'k2'] }, isUsed: true }),
      db.collection('backups').find({ rotationId: 'r', isUsed: true }),
      db.collection('bindings').find({ keyId: 'k1' }),
    ])
      expect(JSON.stringify(await query.explain())).not.toContain('COLLSCAN');
  });
});
