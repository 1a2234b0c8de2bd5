import { BSON, Double, Int32, Long, type Document } from 'mongodb';
import { openTestDatabase } from 'test-kit';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { createRotator, definePool, incarnationOf, type KeyDocument, type Pool } from '../src/index.ts';
import { backup, backups, binding, key, readState, seed } from './support/documents.ts';
import { freeFilterOf } from '../src/pool.ts';
import { asRotated } from './support/outcomes.ts';
import { deletingPool, keepingPool } from './support/pools.ts';

/* What services put into their collections, and what they expect to find there after a rotation. */

const database = await openTestDatabase('pool_data');
const { db } = database;
afterAll(() => database.close());
beforeEach(() => db.dropDatabase());

const poolWith = (more: Partial<Pool>): Pool => definePool({ ...deletingPool, ...more });
const rotatorOf = async (pool: Pool) => {
  const rotator = createRotator(db, pool);
  await rotator.ensureIndexes();
  return rotator;
};

describe('a binding that holds several keys', () => {
  test('keeps the others', async () => {
    const rotator = await rotatorOf(deletingPool);
    const bindings = [{ proxyId: 'p1', keyId: ['k1', 'k2', 'k1'] }, binding('p2', 'k1'), binding('p3', 'k2')];
    await seed(db, deletingPool, { keys: [key('k1'), key('k2')], backups: backups(1), bindings });
    await rotator.rotate('k1');
    const after = await readState(db, deletingPool);
    expect(after.bindings.map(({ keyId }) => keyId)).toEqual([['b1', 'k2', 'b1'], 'b1', 'k2']);
  });
});

// Red without ownBindings in a filter or a group.
test('of two pools that share their bindings, each moves, binds and sweeps its own', async () => {
  const factory = poolWith({ ownBindings: { owner: 'factory' } });
  const trolls = poolWith({
    name: 'trolls',
    collections: { ...deletingPool.collections, keys: 'troll_keys' },
    keptStatuses: ['exhausted'],
    ownBindings: { owner: 'trolls' },
  });
  const rotator = await rotatorOf(trolls);
  const owned = (owner: string, proxyId: string, keyId: string) => binding(proxyId, keyId, { owner });
  await seed(db, trolls, {
    keys: [key('k1', { status: 'exhausted' }), key('k2')],
    backups: backups(3),
    bindings: [
      owned('factory', 'p1', 'k1'),
      owned('factory', 'p1', 'k2'),
      owned('trolls', 'p2', 'k2'),
      owned('factory', 'p3', 'gone'),
    ],
  });
  await seed(
    db,
    { ...factory, collections: { ...factory.collections, backups: 'none', bindings: 'none2' } },
    { keys: [key('k2')] },
  );
  await rotator.rotate('k2');
  await rotator.bind({ proxyId: 'p3', keyId: 'k2' });
  const { bindings } = await readState(db, trolls);
  const seen = bindings.map(({ owner, proxyId, keyId }) => [owner, proxyId, keyId]);
  expect(seen.filter(([owner]) => owner === 'factory')).toEqual([
    ['factory', 'p1', 'k1'],
    ['factory', 'p1', 'k2'],
    ['factory', 'p3', 'gone'],
  ]);
  const replacement = seen.find(([owner]) => owner === 'trolls')?.[2];
  expect(seen.filter(([owner]) => owner === 'trolls')).toEqual([
    ['trolls', 'p2', replacement],
    ['trolls', 'p3', replacement],
  ]);
  expect(replacement).toMatch(/^b/);
  expect(await rotator.sweep()).toEqual({ moved: 0, unresolved: [] });
});

// Red where an array counts as one id, and where ids of another kind are passed over.
test('sweep looks into arrays, and tells ids of another kind', async () => {
  const rotator = await rotatorOf(deletingPool);
  await seed(db, deletingPool, { keys: [key('k1')], backups: backups(1) });
  await rotator.rotate('k1');
  await db.collection('bindings').insertMany([
    { proxyId: 'p1', keyId: ['k0', 'k1'] },
    { proxyId: 'p2', keyId: ['k1'] },
    { proxyId: 'p3', keyId: 7 },
  ]);
  const { moved, unresolved } = await rotator.sweep();
  expect({ moved, unresolved: new Set<unknown>(unresolved) }).toEqual({ moved: 2, unresolved: new Set(['k0', 7]) });
});

describe('a collation that takes other ids for equal', () => {
  const collation = { locale: 'en', strength: 2 };

  test('of bindings: only those of the key are moved', async () => {
    await db.createCollection('bindings', { collation });
    const rotator = await rotatorOf(deletingPool);
    const bindings = [binding('p1', 'aB'), binding('p2', 'Ab')];
    await seed(db, deletingPool, { keys: [key('aB'), key('Ab')], backups: backups(1), bindings });
    await rotator.rotate('aB');
    expect((await readState(db, deletingPool)).bindings.map(({ keyId }) => keyId)).toEqual(['b1', 'Ab']);
  });

  // Red where the lookup takes another spelling for the same key: already-bound, and no binding.
  test('of bindings: bind and sweep know the spellings apart', async () => {
    await db.createCollection('bindings', { collation });
    const rotator = await rotatorOf(deletingPool);
    await seed(db, deletingPool, { keys: [key('ab'), key('AB')], backups: backups(1) });
    for (const [proxyId, keyId] of [
      ['p', 'ab'],
      ['p', 'AB'],
      ['P', 'ab'],
    ] as const)
      expect(await rotator.bind({ proxyId, keyId })).toEqual({ kind: 'bound', keyId });
    await db.collection('bindings').insertOne({ proxyId: 'q', keyId: 'aB' });
    expect(await rotator.sweep()).toEqual({ moved: 0, unresolved: ['aB'] });
  });

  // Red where the claim of one spelling counts for the other, and where a live key is restored under another one.
  test('of backups: neither a claim nor a restoration means another spelling', async () => {
    await db.createCollection('backups', { collation });
    const rotator = await rotatorOf(deletingPool);
    await seed(db, deletingPool, { keys: [key('ab'), key('AB')], backups: backups(2) });
    const { replacement } = asRotated(await rotator.rotate('ab'));
    asRotated(await rotator.rotate('AB'));
    expect(await rotator.restoreBackup(replacement.toUpperCase())).toEqual({ kind: 'not-found' });
    expect(await rotator.restoreBackup(replacement)).toEqual({ kind: 'live-key' });
  });

  test('of keys: another spelling is another key', async () => {
    await db.createCollection('keys', { collation });
    const rotator = await rotatorOf(deletingPool);
    await seed(db, deletingPool, { keys: [key('Ab')], backups: backups(1) });
    expect(await rotator.rotate('aB')).toEqual({ kind: 'not-found', keyId: 'aB' });
    expect(await rotator.rotate('Ab')).toMatchObject({ kind: 'rotated' });
  });
});

const TYPED: Document = {
  balance: new Double(10),
  spent: Long.fromNumber(5),
  small: new Int32(7),
  nested: { limit: new Double(3), list: [new Double(1), Long.fromNumber(2)] },
  pattern: new BSON.BSONRegExp('^a', 'i'),
  price: BSON.Decimal128.fromString('1.50'),
};
const RAW = { promoteValues: false, promoteLongs: false, bsonRegExp: true } as const;
const bytesOf = (document: Document): string =>
  Buffer.from(
    BSON.serialize(Object.fromEntries(Object.keys(TYPED).map((name) => [name, document[name] as unknown]))),
  ).toString('hex');

test('values keep their types, in the new key and in the archive', async () => {
  const pool = poolWith({ retirement: { kind: 'delete', archive: 'archive' } });
  const rotator = await rotatorOf(pool);
  await seed(db, pool, { keys: [key('k1', TYPED)], backups: [backup('b1', TYPED)] });
  await rotator.rotate('k1');
  const installed = await db.collection<{ _id: string }>('keys').findOne({ _id: 'b1' }, RAW);
  const archived = await db.collection<{ _id: string }>('archive').findOne({ _id: 'k1' }, RAW);
  expect(bytesOf(installed ?? {})).toBe(bytesOf(TYPED));
  expect(bytesOf(archived ?? {})).toBe(bytesOf(TYPED));
});

test('an archive of records keeps each life of an id', async () => {
  const pool = poolWith({ retirement: { kind: 'delete', archive: { collection: 'deleted', deletedBy: 'tests' } } });
  const rotator = await rotatorOf(pool);
  const first = key('k1');
  await seed(db, pool, { keys: [first], backups: backups(2) });
  const one = asRotated(await rotator.rotate('k1', { reason: 'auth-error' }));
  const again = key('k1', { createdAt: new Date() });
  await db.collection<KeyDocument>('keys').insertOne(again);
  const two = asRotated(await rotator.rotate('k1'));
  const records = await db
    .collection('deleted')
    .find({}, { projection: { _id: 0 } })
    .sort({ _id: 1 })
    .toArray();
  const common = { sourceCollection: 'keys', sourceId: 'k1', deletedBy: 'tests', deletedAt: expect.any(Date) as Date };
  expect(records).toEqual([
    {
      ...common,
      reason: 'auth-error',
      document: first,
      metadata: { replacementKeyId: one.replacement, rotationId: one.rotationId },
    },
    {
      ...common,
      reason: 'exhausted',
      document: again,
      metadata: { replacementKeyId: two.replacement, rotationId: two.rotationId },
    },
  ]);
});

describe('what a rotation writes', () => {
  const pool = poolWith({
    newKey: { status: 1, tokensUsed: 0 },
    replacedKeyField: 'replacedKey',
    usedBackup: { activated: true },
    restoredBackup: { activated: false, usedFor: '', usedAt: null },
    movedBindingFields: ['updatedAt'],
  });

  test('is what the service writes', async () => {
    const rotator = await rotatorOf(pool);
    await seed(db, pool, {
      keys: [key('k1')],
      backups: [backup('b1', { activated: false })],
      bindings: [binding('p1', 'k1', { updatedAt: new Date(0) })],
    });
    await rotator.rotate('k1');
    const {
      keys,
      backups: [used],
      bindings: [moved],
    } = await readState(db, pool);
    expect(keys).toMatchObject([{ _id: 'b1', status: 1, tokensUsed: 0, replacedKey: 'k1' }]);
    expect(keys[0]).not.toHaveProperty('requestsCount');
    expect(used).toMatchObject({ isUsed: true, activated: true });
    expect(moved?.['updatedAt']).toBeInstanceOf(Date);
    expect(moved?.['updatedAt']).not.toEqual(new Date(0));
  });

  test('and what restoring writes', async () => {
    const rotator = await rotatorOf(pool);
    await seed(db, pool, { keys: [key('k1')], backups: backups(1) });
    await rotator.rotate('k1');
    await db.collection('keys').deleteMany({});
    expect(await rotator.restoreBackup('b1')).toEqual({ kind: 'restored' });
    const [restored] = (await readState(db, pool)).backups;
    expect(restored).toEqual({ ...backup('b1'), isUsed: false, activated: false, usedFor: '', usedAt: null });
  });
});

describe('which backup', () => {
  const stock = [
    backup('b1', { tier: 'gold', price: 3, expires: new Date(0) }),
    backup('b2', { tier: 'gold', price: 1, expires: new Date('2100-01-01') }),
    backup('b3', { tier: 'tin', price: 0, expires: new Date('2100-01-01') }),
  ];

  test('only an eligible one', async () => {
    const pool = poolWith({ eligible: { tier: 'gold', expires: { $gt: new Date() } } });
    const rotator = await rotatorOf(pool);
    await seed(db, pool, { keys: [key('k1'), key('k2')], backups: stock });
    expect(await rotator.rotate('k1')).toMatchObject({ kind: 'rotated', replacement: 'b2' });
    expect(await rotator.rotate('k2')).toEqual({ kind: 'no-backup', keyId: 'k2' });
  });

  test('in the order of the pool: one of the first four for each rotation', async () => {
    const pool = poolWith({ order: { price: 1 } });
    const rotator = await rotatorOf(pool);
    const many = Array.from({ length: 40 }, (_, index) => backup(`b${index}`, { price: 40 - index }));
    await seed(db, pool, { keys: [key('k1')], backups: many });
    const { replacement } = asRotated(await rotator.rotate('k1'));
    expect(['b39', 'b38', 'b37', 'b36']).toContain(replacement);
  });

  test('without a scan and without a sort', async () => {
    const pool = poolWith({
      eligible: { tier: 'gold', expires: { $gt: new Date() } },
      order: { price: 1, createdAt: -1 },
    });
    await rotatorOf(pool);
    const explained = await db
      .collection('backups')
      .find({ ...freeFilterOf(pool) }, { projection: { _id: 1 } })
      .sort({ price: 1, createdAt: -1, _id: 1 })
      .explain('queryPlanner');
    const plan = JSON.stringify(explained['queryPlanner'].winningPlan);
    expect(plan).toContain('IXSCAN');
    expect(plan).not.toMatch(/COLLSCAN|"SORT"/);
  });
});

describe('the incarnation of a key', () => {
  const stored = key('k1');

  test.each<[string, unknown]>([
    ['that went through JSON', JSON.parse(JSON.stringify(stored))],
    ['as the database has it', stored],
    ['with the time in milliseconds', { ...stored, createdAt: stored.createdAt?.getTime() }],
  ])('%s', (_what, document) => {
    expect(incarnationOf(document as KeyDocument)).toBe('created 2026-01-02T03:04:05.678Z');
  });

  test('is refused where the document does not tell', () => {
    expect(() => incarnationOf({})).toThrow('The key document has neither incarnation nor createdAt');
  });

  test.each<[string, unknown]>([
    ['a text', '2026-01-02T03:04:05.678Z'],
    ['a number', new Double(1_767_323_045_678)],
    ['a date', new Date('2026-01-02T03:04:05.678Z')],
  ])('is known where createdAt is %s in the database', async (_what, createdAt) => {
    const rotator = await rotatorOf(deletingPool);
    await seed(db, deletingPool, { keys: [key('k1', { createdAt: createdAt as Date })], backups: backups(1) });
    const incarnation = 'created 2026-01-02T03:04:05.678Z';
    expect(await rotator.rotate('k1', { incarnation })).toMatchObject({ kind: 'rotated' });
  });

  test.each([deletingPool, keepingPool])('that is not the live one is told as such ($name)', async (pool) => {
    const rotator = await rotatorOf(pool);
    await seed(db, pool, { keys: [key('k1')], backups: backups(2) });
    const { rotationId, replacement } = asRotated(await rotator.rotate('k1'));
    const { incarnation: _forgotten, ...seen } =
      (await readState(db, pool)).keys.find(({ _id }) => _id === replacement) ?? key('');
    const asked = incarnationOf(seen);
    expect(await rotator.rotate(replacement, { incarnation: asked })).toEqual({
      kind: 'other-incarnation',
      keyId: replacement,
      asked,
      live: rotationId,
    });
  });
});
