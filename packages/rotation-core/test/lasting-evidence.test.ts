import { openTestDatabase } from 'test-kit';
import { afterAll, describe, expect, test } from 'vitest';
import { createRotator, definePool, incarnationOf, type Pool } from '../src/index.ts';
import { MAX_PREDECESSORS, type KeyDocument } from '../src/documents.ts';
import { backup, backups, binding, key, seed } from './support/documents.ts';
import { asRotated } from './support/outcomes.ts';
import { deletingPool, keepingPool } from './support/pools.ts';

/* Jobs delete used backups, and operators restore them: late callers are answered all the same. */

const database = await openTestDatabase('lasting');
const { db } = database;
await createRotator(db, deletingPool).ensureIndexes();
afterAll(() => database.close());

const deleteUsed = (): Promise<unknown> => db.collection('backups').deleteMany({ isUsed: true });
const keys = db.collection<KeyDocument>('keys');

describe.each([deletingPool, keepingPool])('when the used backups are gone ($name)', (pool: Pool) => {
  const rotator = createRotator(db, pool);

  test('late callers are told the live key, from each place of the chain', async () => {
    await seed(db, pool, { keys: [key('k1')], backups: backups(4), bindings: [binding('p1', 'k1')] });
    const first = asRotated(await rotator.rotate('k1'));
    await deleteUsed();
    const second = asRotated(await rotator.rotate(first.replacement));
    const third = asRotated(await rotator.rotate(second.replacement));
    await deleteUsed();
    for (const keyId of ['k1', first.replacement, second.replacement])
      expect(await rotator.rotate(keyId)).toEqual({
        kind: 'already-rotated',
        keyId,
        replacement: third.replacement,
      });
  });

  test('findRotation still knows what was committed', async () => {
    await seed(db, pool, { keys: [key('k1')], backups: backups(3) });
    const first = asRotated(await rotator.rotate('k1'));
    const second = asRotated(await rotator.rotate(first.replacement));
    await deleteUsed();
    expect(await rotator.findRotation(first.rotationId)).toEqual({ keyId: 'k1', replacement: first.replacement });
    expect(await rotator.findRotation(second.rotationId)).toEqual({
      keyId: first.replacement,
      replacement: second.replacement,
    });
  });

  test('bind and sweep go to the live key', async () => {
    await seed(db, pool, { keys: [key('k1')], backups: backups(1), bindings: [binding('p1', 'k1')] });
    const { replacement } = asRotated(await rotator.rotate('k1'));
    await deleteUsed();
    await db.collection('bindings').insertOne(binding('p2', 'k1'));
    expect(await rotator.bind({ proxyId: 'p3', keyId: 'k1' })).toEqual({ kind: 'bound', keyId: replacement });
    expect(await rotator.sweep()).toEqual({ moved: 1, unresolved: [] });
    expect(await db.collection('bindings').countDocuments({ keyId: replacement })).toBe(3);
  });

  test('a rotation whose commit was in doubt finds itself', async () => {
    await seed(db, pool, { keys: [key('k1')], backups: backups(1) });
    const { replacement, rotationId } = asRotated(await rotator.rotate('k1'));
    await deleteUsed();
    expect((await keys.findOne({ _id: replacement }))?.predecessors).toEqual([
      { keyId: 'k1', incarnation: incarnationOf(key('k1')), rotationId },
    ]);
  });

  test('an id that came back is told from its earlier incarnations', async () => {
    const failed = key('k1');
    await seed(db, pool, { keys: [failed], backups: backups(2) });
    const first = asRotated(await rotator.rotate('k1'));
    await keys.deleteOne({ _id: 'k1' });
    const again = key('k1', { createdAt: new Date() });
    await keys.insertOne(again);
    const second = asRotated(await rotator.rotate('k1'));
    await deleteUsed();
    const asked = (incarnation?: string) => rotator.rotate('k1', incarnation === undefined ? {} : { incarnation });
    expect(await asked(incarnationOf(failed))).toMatchObject({ replacement: first.replacement });
    expect(await asked(incarnationOf(again))).toMatchObject({ replacement: second.replacement });
    expect(await asked()).toMatchObject({ kind: 'already-rotated', replacement: second.replacement });
  });
});

test('a backup in the middle of a chain that is restored, and taken again, cuts nothing', async () => {
  const rotator = createRotator(db, deletingPool);
  await seed(db, deletingPool, { keys: [key('k1'), key('k9')], backups: backups(1) });
  const first = asRotated(await rotator.rotate('k1'));
  await db.collection<{ _id: string }>('backups').insertOne(backup('b2'));
  asRotated(await rotator.rotate('b1'));
  expect(await rotator.restoreBackup('b1')).toEqual({ kind: 'restored' });
  const already = { kind: 'already-rotated', replacement: 'b2' };
  expect(await rotator.rotate('k1')).toMatchObject(already);
  expect(await rotator.findRotation(first.rotationId)).toEqual({ keyId: 'k1', replacement: 'b1' });
  expect(await rotator.rotate('k9')).toMatchObject({ kind: 'rotated', replacement: 'b1' });
  expect(await rotator.rotate('k1')).toMatchObject(already);
  expect(await rotator.rotate('k9')).toMatchObject({ kind: 'already-rotated', keyId: 'k9' });
});

test('of a long chain the latest replacements are kept', async () => {
  const rotator = createRotator(db, deletingPool);
  await seed(db, deletingPool, { keys: [key('k0')] });
  for (let hop = 1; hop <= MAX_PREDECESSORS + 1; hop++) {
    await db.collection<{ _id: string }>('backups').insertOne(backup(`k${hop}`));
    await rotator.rotate(`k${hop - 1}`);
  }
  expect(await rotator.rotate('k0')).toMatchObject({ kind: 'already-rotated' });
  await deleteUsed();
  expect(await rotator.rotate('k0')).toEqual({ kind: 'not-found', keyId: 'k0' });
  expect(await rotator.rotate('k1')).toMatchObject({ replacement: `k${MAX_PREDECESSORS + 1}` });
});

describe('two pools over one stock', () => {
  const trolls = definePool({
    ...deletingPool,
    name: 'trolls',
    collections: { ...deletingPool.collections, keys: 'troll_keys' },
  });
  const factory = createRotator(db, deletingPool);
  const troll = createRotator(db, trolls);

  test('a backup that is a live key of the other pool is not restored', async () => {
    await troll.ensureIndexes();
    await db.collection('troll_keys').deleteMany({});
    await seed(db, deletingPool, { keys: [key('f1')], backups: backups(1) });
    asRotated(await factory.rotate('f1'));
    expect(await troll.restoreBackup('b1')).toEqual({ kind: 'live-key' });
  });

  test('each has its own evidence, also for the same id and incarnation', async () => {
    await seed(db, deletingPool, { keys: [key('k1')], backups: backups(2) });
    await db.collection('troll_keys').deleteMany({});
    await db.collection<KeyDocument>('troll_keys').insertOne(key('k1'));
    const one = asRotated(await factory.rotate('k1'));
    const other = asRotated(await troll.rotate('k1'));
    expect(await factory.rotate('k1')).toMatchObject({ kind: 'already-rotated', replacement: one.replacement });
    expect(await troll.rotate('k1')).toMatchObject({ kind: 'already-rotated', replacement: other.replacement });
    expect(await troll.findRotation(one.rotationId)).toBeNull();
    await db.collection('troll_keys').drop();
  });
});
