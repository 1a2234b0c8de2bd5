import { inspect } from 'node:util';
import { createRotator, definePool, keypool, type BackupDocument, type KeyDocument, type Pool } from 'keypool';
import { Double, Long, MongoClient, ObjectId, type Document } from 'mongodb';
import mongoose from 'mongoose';
import { backupsOf, bindingsOf, keysOf } from 'rotation-core/testing';
import { createTestDatabaseName, oneMemberSet, openPage } from 'test-kit';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';

/* The code of docs/what-your-data-may-look-like.md runs here, and what it says is tried. */

const page = await openPage(new URL('../../docs/what-your-data-may-look-like.md', import.meta.url), import.meta.url);
const { uri } = oneMemberSet();
const client = new MongoClient(uri);
const database = createTestDatabaseName('data_page');
const db = client.db(database);
const [keys, backups, bindings] = [keysOf(db, keypool), backupsOf(db, keypool), bindingsOf(db, keypool)];
const FAILED = { status: 401, body: '' };

const key = (_id: string): KeyDocument => ({ _id, apiKey: `made up ${_id}`, status: 'healthy', createdAt: new Date() });
const free = (_id: string, more: Document = {}): BackupDocument => ({
  _id,
  apiKey: `made up ${_id}`,
  isUsed: false,
  createdAt: new Date(),
  ...more,
});

/** An empty pool without validators. */
beforeEach(async () => {
  await db.dropDatabase();
  await createRotator(db, keypool).ensureIndexes();
});
afterAll(async () => {
  await db.dropDatabase();
  await client.close();
});

test('a binding with several keys', async () => {
  await keys.insertMany([key('k1'), key('k2')]);
  await backups.insertOne(free('b1'));
  const rotator = createRotator(db, keypool);
  // SEVERAL
  await bindings.insertOne({ proxyId: 'p1', factoryKeyId: ['k1', 'k2'] });
  await rotator.rotate('k1');
  const after = await bindings.findOne({ proxyId: 'p1' }, { projection: { _id: 0, factoryKeyId: 1 } });
  // END
  page.ran('SEVERAL');
  page.printed(inspect(after));
  expect(after).not.toBeNull();
});

test('50,000 bindings of a key move in one transaction', async () => {
  const COUNT = 50_000;
  const LIFETIME = 'transactionLifetimeLimitSeconds';
  const admin = client.db('admin');
  const { [LIFETIME]: before } = await admin.command({ getParameter: 1, [LIFETIME]: 1 });
  await admin.command({ setParameter: 1, [LIFETIME]: 60 }); // the server's default
  try {
    await keys.insertOne(key('k1'));
    await backups.insertOne(free('b1'));
    await bindings.insertMany(
      Array.from({ length: COUNT }, (_, index) => ({ proxyId: `p${index}`, factoryKeyId: 'k1' })),
    );
    const outcome = await createRotator(db, keypool).rotate('k1', { deadlineMs: 60_000 });
    expect(outcome).toMatchObject({ kind: 'rotated', attempts: 1 });
    expect(await bindings.countDocuments({ factoryKeyId: 'b1' })).toBe(COUNT);
  } finally {
    await admin.command({ setParameter: 1, [LIFETIME]: before });
  }
});

test('ObjectIds', async () => {
  const [failedId, backupId] = [new ObjectId(), new ObjectId()];
  const put = (collection: string, document: Document): Promise<unknown> =>
    db.collection(collection).insertOne(document);
  await put(keypool.collections.keys, { ...key('failed'), _id: failedId });
  await put(keypool.collections.backups, { ...free('spare'), _id: backupId });
  // IDS
  const pool = definePool({ ...keypool, idKind: 'objectId' });
  const rotator = createRotator(db, pool); // a Rotator<ObjectId>
  const outcome = await rotator.rotate(failedId);
  // END
  page.ran('IDS');
  expect(outcome).toMatchObject({ kind: 'rotated', replacement: backupId });
  expect(await rotator.rotate(failedId.toHexString())).toMatchObject({
    kind: 'already-rotated',
    replacement: backupId,
  });
  await expect(createRotator(db, keypool).checkIndexes()).rejects.toThrow("set idKind: 'objectId'");
});

test('which backups, and in which order', async () => {
  await keys.insertMany(['k1', 'k2'].map((id) => key(id)));
  await backups.insertMany([
    free('b1', { provider: 'openai', expires: new Date('2020-01-01'), price: 1 }),
    free('b2', { provider: 'anthropic', expires: new Date('2999-01-01'), price: 1 }),
    free('b3', { provider: 'openai', expires: new Date('2999-01-01'), price: 2 }),
  ]);
  // ELIGIBLE
  const pool = definePool({
    ...keypool,
    eligible: { provider: 'openai', $expr: { $gt: ['$expires', '$$NOW'] } },
    order: { price: 1, createdAt: 1 },
  });
  // END
  page.ran('ELIGIBLE');
  const rotator = createRotator(db, pool);
  await rotator.ensureIndexes();
  const names = (await backups.indexes()).map(({ name }) => name);
  expect(names).toEqual(
    expect.arrayContaining([expect.stringMatching(/^rotation_free_price_1_createdAt_1_[\da-f]{8}$/)]),
  );
  expect(await rotator.rotate('k1')).toMatchObject({ kind: 'rotated', replacement: 'b3' });
  expect(await rotator.rotate('k2')).toEqual({ kind: 'no-backup', keyId: 'k2' });
});

test('types of BSON', async () => {
  await keys.insertOne(key('k1'));
  const typed = { budget: new Double(10), limits: { tokens: Long.fromNumber(5) } };
  await backups.insertOne(free('b1', typed));
  await createRotator(db, keypool).rotate('k1');
  const types = { budget: { $type: '$budget' }, tokens: { $type: '$limits.tokens' }, _id: 0 };
  expect(await keys.aggregate([{ $match: { _id: 'b1' } }, { $project: types }]).toArray()).toEqual([
    { budget: 'double', tokens: 'long' },
  ]);
});

describe('schemas', () => {
  const createSchema = (fields: Document): mongoose.Schema => new mongoose.Schema(fields);

  test('of mongoose', async () => {
    await keys.insertOne(key('k1'));
    await backups.insertOne(free('b1'));
    const connection = await mongoose.createConnection(uri, { dbName: database }).asPromise();
    if (connection.db === undefined) throw new Error('not connected');
    const rotator = createRotator(connection.db, keypool);
    await rotator.rotate('k1');
    await backups.insertOne(free('b2'));
    // MONGOOSE
    const keySchema = new mongoose.Schema<KeyDocument>({
      _id: String,
      apiKey: String,
      status: String,
      createdAt: Date,
      incarnation: String, // a schema without it cuts it off
    });
    const Key = connection.model('Key', keySchema, keypool.collections.keys);
    const used = await Key.findById('b1').orFail();
    const outcome = await rotator.handleFailure(used, { status: 401, body: '' });
    // END
    page.ran('MONGOOSE');
    expect(outcome).toMatchObject({ kind: 'rotated', keyId: 'b1', replacement: 'b2' });

    const lacking = connection.model(
      'Lacking',
      createSchema({ _id: String, apiKey: String, createdAt: Date }),
      'factory_keys',
    );
    const cut = await lacking.findById('b2').orFail();
    expect(await rotator.handleFailure(cut as unknown as KeyDocument, FAILED)).toMatchObject({
      kind: 'other-incarnation',
    });
    await connection.close();
  });

  // VALIDATORS
  const text = { bsonType: 'string' };
  const number = { bsonType: 'number' };
  const time = { bsonType: ['date', 'null'] };
  const keySchema = {
    bsonType: 'object',
    additionalProperties: false,
    properties: {
      _id: text,
      apiKey: text,
      status: text,
      tokensUsed: number,
      requestsCount: number,
      createdAt: time,
      // Written by rotations.
      incarnation: text,
      predecessors: { bsonType: 'array' },
      replacedKey: text,
      // Written by bind and sweep.
      bindingSequence: number,
      // Written by handleFailure.
      cooldownUntil: time,
      lastError: text,
    },
  };
  const backupSchema = {
    bsonType: 'object',
    additionalProperties: false,
    properties: {
      _id: text,
      apiKey: text,
      createdAt: time,
      isUsed: { bsonType: 'bool' },
      // Written by claims.
      activated: { bsonType: 'bool' },
      usedAt: time,
      usedFor: text,
      usedForIncarnation: text,
      usedIn: text,
      rotationId: text,
      // Written by the brake, near its bound.
      brakeSequence: number,
      // Written where `verify` refuses a backup.
      setAsideAt: time,
      setAsideReason: text,
    },
  };
  // END

  async function setValidators(keyProperties: Document, backupProperties: Document): Promise<void> {
    const schemas = [
      [keypool.collections.keys, { ...keySchema, properties: keyProperties }],
      [keypool.collections.backups, { ...backupSchema, properties: backupProperties }],
    ] as const;
    for (const [collection, schema] of schemas)
      await db.command({ collMod: collection, validator: { $jsonSchema: schema } });
  }

  /** Writes all fields that this package writes. */
  async function writeAll(): Promise<void> {
    await keys.insertMany(['k1', 'k2', 'k3'].map((id) => key(id)));
    await backups.insertMany(['b1', 'b2', 'b3'].map((id) => free(id)));
    await bindings.insertOne({ proxyId: 'p', factoryKeyId: 'k2' });
    // Near the bound of the brake.
    const braked = definePool({ ...keypool, brake: { maxRotations: 3, perMs: 1_000 } });
    const rotator = createRotator(db, braked, {
      verify: ({ _id }) => (_id === 'b1' ? { kind: 'unusable', reason: 'refused' } : { kind: 'usable' }),
    });
    await rotator.bind({ proxyId: 'p1', keyId: 'k1' });
    const k1 = await keys.findOne({ _id: 'k1' });
    if (k1 === null) throw new Error('k1 is gone');
    await rotator.handleFailure(k1, { status: 429, body: '' });
    for (const id of ['k1', 'k2']) expect(await rotator.rotate(id)).toMatchObject({ kind: 'rotated' });
    const k3 = await keys.findOne({ _id: 'k3' });
    if (k3 === null) throw new Error('k3 is gone');
    expect(await rotator.handleFailure(k3, FAILED)).toMatchObject({ kind: 'marked' });
    expect(await rotator.restoreBackup('b1')).toEqual({ kind: 'restored' });
  }

  test('of the server: what the page shows lets all verbs pass', async () => {
    await setValidators(keySchema.properties, backupSchema.properties);
    await expect(writeAll()).resolves.toBeUndefined();
    page.ran('VALIDATORS');
  });

  test('of the server: a verb that is refused says so, and changes nothing', async () => {
    const { incarnation: _left, ...fewer } = keySchema.properties;
    await setValidators(fewer, backupSchema.properties);
    await keys.insertOne(key('k1'));
    await backups.insertOne(free('b1'));
    await expect(createRotator(db, keypool).rotate('k1')).rejects.toThrow('DocumentValidationFailure (121)');
    expect(await backups.countDocuments({ isUsed: true })).toBe(0);
  });

  /** The server's word, or where a backup can't be set aside, that it was not. */
  const REFUSED = /DocumentValidationFailure \(121\)|already-free/;
  /** These the test itself writes. */
  const own = new Set(['_id', 'apiKey', 'status', 'isUsed', 'createdAt', 'tokensUsed', 'requestsCount']);
  const written = (properties: object): string[] => Object.keys(properties).filter((name) => !own.has(name));

  test.each(written(keySchema.properties))('without %s of a key, a verb is refused', async (name) => {
    const { [name]: _left, ...fewer }: Document = keySchema.properties;
    await setValidators(fewer, backupSchema.properties);
    await expect(writeAll()).rejects.toThrow(REFUSED);
  });

  test.each(written(backupSchema.properties))('without %s of a backup, a verb is refused', async (name) => {
    const { [name]: _left, ...fewer }: Document = backupSchema.properties;
    await setValidators(keySchema.properties, fewer);
    await expect(writeAll()).rejects.toThrow(REFUSED);
  });
});

describe('what is needed for how long', () => {
  /** k1 was replaced by b1, and b1 by b2. */
  async function rotateTwice(pool: Pool = keypool): Promise<{ readonly k1: KeyDocument; readonly rotationId: string }> {
    const k1 = key('k1');
    await keys.insertOne(k1);
    await backups.insertMany([free('b1'), free('b2'), free('b3')]);
    await bindings.insertOne({ proxyId: 'p1', factoryKeyId: 'k1' });
    const rotator = createRotator(db, definePool({ ...pool, order: { createdAt: 1 }, brake: false }));
    const first = await rotator.rotate('k1');
    if (first.kind !== 'rotated') throw new Error('k1 was not rotated');
    await rotator.rotate(first.replacement);
    return { k1, rotationId: first.rotationId };
  }
  const liveId = async (): Promise<string | undefined> => (await keys.findOne({ replacedBy: null }))?._id;

  test('used backups: predecessors answer in their place', async () => {
    const { rotationId } = await rotateTwice();
    await backups.deleteMany({ isUsed: true });
    const rotator = createRotator(db, keypool);
    expect(await rotator.rotate('k1')).toMatchObject({ kind: 'already-rotated', replacement: await liveId() });
    expect(await rotator.findRotation(rotationId)).toMatchObject({ keyId: 'k1' });
    expect(await rotator.bind({ proxyId: 'p2', keyId: 'k1' })).toMatchObject({ kind: 'bound' });
  });

  test('without both, late callers, findRotation, bind and sweep find nothing', async () => {
    const { rotationId } = await rotateTwice();
    await backups.deleteMany({ isUsed: true });
    await keys.updateMany({}, { $unset: { predecessors: 1 } });
    await bindings.insertOne({ proxyId: 'stray', factoryKeyId: 'k1' });
    const rotator = createRotator(db, keypool);
    expect(await rotator.rotate('k1')).toEqual({ kind: 'not-found', keyId: 'k1' });
    expect(await rotator.findRotation(rotationId)).toBeNull();
    expect(await rotator.bind({ proxyId: 'p2', keyId: 'k1' })).toEqual({ kind: 'not-found' });
    expect(await rotator.sweep()).toEqual({ moved: 0, unresolved: ['k1'] });
  });

  test('a key that is put back as it was is refused as long as its used backup is there', async () => {
    const { k1 } = await rotateTwice();
    await keys.insertOne(k1);
    const rotator = createRotator(db, keypool);
    await expect(rotator.rotate('k1')).rejects.toMatchObject({ code: 'inconsistent' });
    await backups.deleteMany({ isUsed: true });
    expect(await rotator.rotate('k1')).toMatchObject({ kind: 'rotated' });
  });

  test('the brake counts used backups', async () => {
    await keys.insertMany(['k1', 'k2', 'k3', 'k4'].map((id) => key(id)));
    await backups.insertMany(['b1', 'b2', 'b3', 'b4'].map((id) => free(id)));
    const braked = definePool({ ...keypool, brake: { maxRotations: 2, perMs: 60_000 } });
    const rotator = createRotator(db, braked);
    for (const id of ['k1', 'k2']) expect(await rotator.rotate(id)).toMatchObject({ kind: 'rotated' });
    expect(await rotator.rotate('k3')).toMatchObject({ kind: 'held-back' });
    await backups.deleteMany({ isUsed: true });
    expect(await rotator.rotate('k3')).toMatchObject({ kind: 'rotated' });
  });

  test('a key that an older flow kept without a mark is rotated again where its used backup is gone', async () => {
    const pool = definePool({ ...keypool, keptStatuses: ['exhausted'], maxOlderFlowMs: 0 });
    await keys.insertMany([{ ...key('k1'), status: 'exhausted' }, key('b1')]);
    await backups.insertMany([{ ...free('b1'), isUsed: true, usedFor: 'k1', usedAt: new Date() }, free('b2')]);
    const rotator = createRotator(db, pool);
    expect(await rotator.rotate('k1')).toMatchObject({ kind: 'already-rotated', replacement: 'b1' });
    await backups.deleteMany({ isUsed: true });
    expect(await rotator.rotate('k1')).toMatchObject({ kind: 'rotated', replacement: 'b2' });
  });

  test('a key that was kept for review is not needed', async () => {
    const status = { exhausted: 'exhausted', 'auth-error': 'need_refresh' } as const;
    await rotateTwice(definePool({ ...keypool, retirement: { kind: 'keep', status } }));
    expect(await keys.deleteMany({ replacedBy: { $ne: null } })).toMatchObject({ deletedCount: 2 });
    const told = { kind: 'already-rotated', replacement: await liveId() };
    expect(await createRotator(db, keypool).rotate('k1')).toMatchObject(told);
  });

  test('the archive is never read', async () => {
    await rotateTwice({ ...keypool, retirement: { kind: 'delete', archive: 'archive' } });
    await db.collection('archive').deleteMany({});
    expect(await createRotator(db, keypool).rotate('k1')).toMatchObject({ kind: 'already-rotated' });
  });
});

test('a backup that was set aside is free again when it was restored', async () => {
  await keys.insertOne(key('k1'));
  await backups.insertOne(free('b1'));
  const refusing = createRotator(db, keypool, { verify: () => ({ kind: 'unusable', reason: 'revoked' }) });
  expect(await refusing.rotate('k1')).toMatchObject({ kind: 'no-backup' });
  expect(await createRotator(db, keypool).rotate('k1')).toMatchObject({ kind: 'no-backup' });
  // RESTORE
  const set = await backups.find({ setAsideAt: { $ne: null } }).toArray();
  for (const { _id } of set) await refusing.restoreBackup(_id);
  // END
  page.ran('RESTORE');
  expect(await createRotator(db, keypool).rotate('k1')).toMatchObject({ kind: 'rotated', replacement: 'b1' });
});

test('each block of the page was run', () => {
  expect(page.untried()).toEqual([]);
});
