import { ObjectId, type Document } from 'mongodb';
import { openTestDatabase } from 'test-kit';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import {
  createRotator,
  type BackupDocument,
  type KeyDocument,
  type RotationEvent,
  type RotationOutcome,
} from '../src/index.ts';
import { createRotatorOf, referenceFlow } from '../src/testing.ts';
import {
  backup,
  backups,
  binding,
  idsOf,
  key,
  readState,
  seed,
  usedOf,
  type PoolDocuments,
} from './support/documents.ts';
import { asRotated, rejection } from './support/outcomes.ts';
import { deletingPool, keepingPool } from './support/pools.ts';
import { expectNoSecret } from './support/secrets.ts';

/* Data that contradicts itself. A rotation says so and changes nothing; its neighbours in the batch are rotated. */
const database = await openTestDatabase('damage');
const { db } = database;
await createRotator(db, deletingPool).ensureIndexes();
afterAll(() => database.close());

const unusableIn = (events: readonly RotationEvent[]): unknown[] =>
  events.flatMap((event) => (event.type === 'backup-unusable' ? [[event.backupId, event.why]] : []));

describe.each([deletingPool, keepingPool])('a free backup that is a live key ($name)', (pool) => {
  test('is no stock: it is reported, and nothing happens', async () => {
    await seed(db, pool, {
      keys: [key('k1'), key('b1')],
      backups: [backup('b1')],
      bindings: [binding('p1', 'k1'), binding('p2', 'b1')],
    });
    const before = await readState(db, pool);
    const events: RotationEvent[] = [];
    const rotator = createRotator(db, pool, { onEvent: (event) => void events.push(event) });
    expect(await rotator.rotate('k1')).toEqual({ kind: 'no-backup', keyId: 'k1' });
    expect(unusableIn(events)).toEqual([['b1', 'live-key']]);
    expect(await readState(db, pool)).toEqual(before);
  });

  // Red where the duplicate key is told to the callers: of ten calls one threw `inconsistent`.
  test('is passed over: all callers are served by the others', async () => {
    const ids = ['k1', 'k2', 'k3', 'k4', 'k5'];
    await seed(db, pool, {
      keys: [...ids.map((id) => key(id)), key('b1')],
      backups: backups(6),
      bindings: ids.map((id) => binding(`p-${id}`, id)),
    });
    const rotator = createRotatorOf(referenceFlow, db, pool, { random: () => 0 });
    const outcomes = await Promise.all(ids.map((id) => rotator.rotate(id)));
    for (const outcome of outcomes) expect(outcome).toMatchObject({ kind: 'rotated' });
    const after = await readState(db, pool);
    expect(idsOf(usedOf(after))).toEqual(['b2', 'b3', 'b4', 'b5', 'b6']);
    expect(after.keys).toContainEqual(key('b1'));
  });

  // Red without the check of the candidates in rotate-batch.ts: the failed key would become its own replacement.
  test('is not taken for the replacement of itself', async () => {
    await seed(db, pool, { keys: [key('b1')], backups: [backup('b1')], bindings: [binding('p1', 'b1')] });
    const before = await readState(db, pool);
    expect(await createRotator(db, pool).rotate('b1')).toEqual({ kind: 'no-backup', keyId: 'b1' });
    expect(await readState(db, pool)).toEqual(before);
  });

  test('is not taken for the replacement of another key that fails in the same batch', async () => {
    await seed(db, pool, {
      keys: [key('b1'), key('k1')],
      backups: [backup('b1'), backup('b2')],
      bindings: [binding('p1', 'b1'), binding('p2', 'k1')],
    });
    // With this source of chance the backups are taken in the order of their ids.
    const rotator = createRotatorOf(referenceFlow, db, pool, { random: () => 0 });
    await Promise.allSettled([rotator.rotate('k1'), rotator.rotate('b1')]);
    const after = await readState(db, pool);
    const live = after.keys.filter(({ replacedBy }) => replacedBy === undefined);
    expect(live.find(({ _id }) => _id === 'b1')?.incarnation).toBeUndefined();
  });
});

describe('one bad key in a batch', () => {
  // The unique index refuses a second claim for this incarnation of k3 alone. Red where a failed group is not split.
  test('fails alone', async () => {
    const ids = ['k1', 'k2', 'k3', 'k4', 'k5'];
    await seed(db, deletingPool, {
      keys: ids.map((id) => key(id, { incarnation: `${id}-life` })),
      backups: [
        ...backups(9),
        backup('b-old', {
          isUsed: true,
          usedFor: 'k3',
          usedForIncarnation: 'k3-life',
          usedIn: 'keys',
          rotationId: 'earlier',
        }),
      ],
      bindings: ids.map((id) => binding(`p-${id}`, id)),
    });
    const rotator = createRotator(db, deletingPool);
    const settled = await Promise.allSettled(ids.map((id) => rotator.rotate(id)));
    expect(settled.map(({ status }) => status)).toEqual([
      'fulfilled',
      'fulfilled',
      'rejected',
      'fulfilled',
      'fulfilled',
    ]);
    expect(settled[2]).toMatchObject({ reason: { code: 'inconsistent' } });
    for (const result of settled) if (result.status === 'fulfilled') asRotated(result.value satisfies RotationOutcome);
    const after = await readState(db, deletingPool);
    expect(usedOf(after)).toHaveLength(5);
    expect(after.keys).toContainEqual(key('k3', { incarnation: 'k3-life' }));
    expect(after.bindings).toContainEqual(expect.objectContaining({ proxyId: 'p-k3', keyId: 'k3' }));
  });
});

describe('an incarnation that took a backup before', () => {
  test('takes no second one: a key put back with its old incarnation is refused with the remedy', async () => {
    await seed(db, deletingPool, { keys: [key('k1')], backups: backups(3) });
    const rotator = createRotator(db, deletingPool);
    await rotator.rotate('k1');
    await db.collection<{ _id: string }>('keys').insertOne(key('k1'));
    const before = await readState(db, deletingPool);
    const error = await rejection(rotator.rotate('k1'), 'inconsistent');
    expect(error.message).toContain('rotation_one_claim_per_incarnation');
    expect(error.message).toContain('"k1"');
    expect(error.message).toContain('new incarnation');
    expect(await readState(db, deletingPool)).toEqual(before);
  });
});

describe("a service's own unique index", () => {
  afterEach(async () => {
    await db.collection('keys').dropIndexes();
    await db
      .collection('bindings')
      .dropIndex('own')
      .catch(() => {});
  });

  test.each<[string, PoolDocuments, string]>([
    ['of keys', { backups: [backup('b1', { apiKey: key('k2').apiKey }), backup('b2')] }, 'keys'],
    ['of bindings', { backups: backups(2), bindings: [binding('p1', 'k1'), binding('p1', 'b1')] }, 'bindings'],
  ])('%s refuses one backup: it is passed over without a word of its apiKey', async (_of, documents, collection) => {
    await seed(db, deletingPool, { keys: [key('k1'), key('k2')], bindings: [binding('p1', 'k1')], ...documents });
    const fields = collection === 'keys' ? { apiKey: 1 as const } : { proxyId: 1 as const, keyId: 1 as const };
    await db.collection(collection).createIndex(fields, { name: 'own', unique: true });
    const events: RotationEvent[] = [];
    const onEvent = (event: RotationEvent): void => void events.push(event);
    const rotator = createRotatorOf(referenceFlow, db, deletingPool, { random: () => 0, onEvent });
    expect(await rotator.rotate('k1')).toMatchObject({ kind: 'rotated', replacement: 'b2' });
    expect(unusableIn(events)).toEqual([['b1', 'duplicate']]);
    expectNoSecret(events);
  });
});

test('a backup with the credential that has failed is passed over', async () => {
  await seed(db, deletingPool, {
    keys: [key('k1')],
    backups: [backup('b1', { apiKey: key('k1').apiKey }), backup('b2')],
  });
  const rotator = createRotatorOf(referenceFlow, db, deletingPool, { random: () => 0 });
  expect(await rotator.rotate('k1')).toMatchObject({ kind: 'rotated', replacement: 'b2' });
});

// Red where two documents without the field count as having the same.
test('credentials in another field than apiKey are not compared', async () => {
  const secret = (_id: string): Document => ({ _id, secret: `of ${_id}` });
  await seed(db, deletingPool, {
    keys: [secret('k1') as KeyDocument],
    backups: [{ ...secret('b1'), isUsed: false } as BackupDocument],
  });
  expect(await createRotator(db, deletingPool).rotate('k1')).toMatchObject({ kind: 'rotated', replacement: 'b1' });
});

test.each<[string, unknown]>([
  ['a number', 7],
  ['an empty text', ''],
  ['an ObjectId', new ObjectId()],
  ['2,000 characters', 'x'.repeat(2_000)],
])('a backup whose id is %s is no stock', async (_what, _id) => {
  await seed(db, deletingPool, { keys: [key('k1')], backups: [backup(_id as string)] });
  expect(await createRotator(db, deletingPool).rotate('k1')).toEqual({ kind: 'no-backup', keyId: 'k1' });
});

test('a rotation works where ensureIndexes never ran and a collection is missing', async () => {
  const bare = {
    ...deletingPool,
    collections: { keys: 'bare_keys', backups: 'bare_backups', bindings: 'bare_bindings' },
  };
  const rotator = createRotator(db, bare);
  expect(await rotator.rotate('k1')).toEqual({ kind: 'not-found', keyId: 'k1' });
  await db.collection<{ _id: string }>('bare_keys').insertOne(key('k1'));
  expect(await rotator.rotate('k1')).toEqual({ kind: 'no-backup', keyId: 'k1' });
  await db.collection<{ _id: string }>('bare_backups').insertOne(backup('b1'));
  asRotated(await rotator.rotate('k1'));
  expect(await rotator.rotate('k1')).toMatchObject({ kind: 'already-rotated', replacement: 'b1' });
  expect(idsOf((await readState(db, bare)).keys)).toEqual(['b1']);
});
