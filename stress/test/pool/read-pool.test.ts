import { keypool } from 'keypool';
import type { Document } from 'mongodb';
import { openhands } from 'openhands';
import { openhandspool } from 'openhandspool';
import type { Pool } from 'rotation-core';
import { openTestDatabase } from 'test-kit';
import { afterAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { BackupState, KeyState, PoolSnapshot } from '../../src/model/pool-state.ts';
import { readPool } from '../../src/pool/read-pool.ts';

const database = await openTestDatabase('read_pool');
const { db } = database;
afterAll(() => database.close());
beforeEach(() => db.dropDatabase());

const SECRET = 'sk-made-up';
const CREATED_AT = new Date('2026-01-02T03:04:05.678Z');
const key = (_id: string, more: Document = {}): Document => ({
  _id,
  apiKey: `${SECRET}-${_id}`,
  status: 'healthy',
  createdAt: CREATED_AT,
  ...more,
});
const backup = (_id: string, more: Document = {}): Document => ({
  _id,
  apiKey: `${SECRET}-${_id}`,
  isUsed: false,
  ...more,
});

interface Documents {
  readonly keys?: readonly Document[];
  readonly backups?: readonly Document[];
  readonly bindings?: readonly Document[];
}

async function readWith(
  { keys = [], backups = [], bindings = [] }: Documents,
  pool: Pool = keypool,
): Promise<PoolSnapshot> {
  await db.dropDatabase();
  const { collections } = pool;
  for (const [name, documents] of [
    [collections.keys, keys],
    [collections.backups, backups],
    [collections.bindings, bindings],
  ] as const)
    if (documents.length > 0) await db.collection(name).insertMany([...documents]);
  return readPool(db, pool);
}

const keyOf = async (document: Document): Promise<KeyState | undefined> =>
  (await readWith({ keys: [document] })).keys[0];
const backupOf = async (document: Document): Promise<BackupState | undefined> =>
  (await readWith({ backups: [document] })).backups[0];

describe('digests', () => {
  test('tell whether a document is as it was', async () => {
    const before = await keyOf(key('k1'));
    expect(await keyOf(key('k1'))).toEqual(before);
    for (const changed of [
      key('k1', { status: 'exhausted' }),
      key('k1', { more: 1 }),
      key('k1', { createdAt: new Date(CREATED_AT.getTime() + 1) }),
      key('k1', { apiKey: 'other' }),
    ])
      expect((await keyOf(changed))?.content).not.toBe(before?.content);
    expect((await backupOf(backup('b1', { isUsed: true })))?.content).not.toBe((await backupOf(backup('b1')))?.content);
  });

  test('tell whether a key has the apiKey of a backup', async () => {
    const { keys, backups } = await readWith({
      keys: [key('b1'), key('b2', { apiKey: 'swapped' })],
      backups: [backup('b1', { isUsed: true }), backup('b2', { isUsed: true })],
    });
    expect(keys[0]?.apiKey).toBe(backups[0]?.apiKey);
    expect(keys[1]?.apiKey).not.toBe(backups[1]?.apiKey);
  });

  test('are drawn with a key of each process, so that nobody can try apiKeys on them', async () => {
    const here = await keyOf(key('k1'));
    vi.resetModules();
    const elsewhere = await import('../../src/pool/read-pool.ts');
    const [there] = (await elsewhere.readPool(db, keypool)).keys;
    expect(there).toMatchObject({ id: 'k1', live: true });
    expect(there?.apiKey).not.toBe(here?.apiKey);
    expect(there?.content).not.toBe(here?.content);
  });

  test('have no apiKey in them', async () => {
    const everything = { keys: [key('k1')], backups: [backup('b1', { isUsed: true, usedFor: 'k1' })] };
    expect(JSON.stringify(await readWith(everything))).not.toContain(SECRET);
  });
});

describe('a snapshot', () => {
  const documents = {
    keys: [key('k1'), key('k2')],
    backups: [
      backup('b1'),
      backup('b2', { isUsed: true, usedFor: 'k0' }),
      backup('b3', { isUsed: true, usedFor: null }),
    ],
    bindings: [
      { proxyId: 'p1', factoryKeyId: 'k1', priority: 1 },
      { priority: 1, factoryKeyId: 'k2', proxyId: 'p1' },
    ],
  };

  test('is plain JSON', async () => {
    const snapshot = await readWith(documents);
    expect(JSON.parse(JSON.stringify(snapshot))).toEqual(snapshot);
  });

  test('is the same in a session', async () => {
    const outside = await readWith(documents);
    await using session = db.client.startSession({ snapshot: true });
    expect(await readPool(db, keypool, session)).toEqual(outside);
  });

  test('has the backups as flows see them: only isUsed: false is free', async () => {
    const { isUsed: _, ...unmarked } = backup('b4');
    const { backups } = await readWith({ backups: [...documents.backups, unmarked] });
    expect(backups.map(({ id, isUsed, usedFor }) => [id, isUsed, usedFor])).toEqual([
      ['b1', false, undefined],
      ['b2', true, 'k0'],
      ['b3', true, undefined],
      ['b4', true, undefined],
    ]);
  });

  test('has what must stay of a binding, whatever the order of its fields', async () => {
    const { bindings } = await readWith(documents);
    expect(bindings.map(({ keyId }) => keyId)).toEqual(['k1', 'k2']);
    expect(bindings[0]?.rest).toBe(bindings[1]?.rest);
    expect(bindings[0]?.rest).toBe('{"priority":1,"proxyId":"p1"}');
  });

  test('a stamp of a service that moves a binding is no change', async () => {
    const stamped = { factoryKeyId: 'k1', proxyId: 'p1', updatedAt: CREATED_AT };
    const { bindings } = await readWith({ bindings: [stamped] });
    expect(bindings[0]?.rest).toBe('{"proxyId":"p1"}');
    const { movedBindingFields: _, ...strict } = keypool;
    expect((await readWith({ bindings: [stamped] }, strict)).bindings[0]?.rest).toContain('updatedAt');
  });

  test('tells kept keys from live ones, and those that an old flow may have kept', async () => {
    const kept = key('k1', { status: 'exhausted', replacedBy: 'b1' });
    const { keys } = await readWith({ keys: [kept, key('k2', { status: 'exhausted' }), key('k3')] }, openhandspool);
    expect(keys.map(({ id, live, mayBeKept }) => [id, live, mayBeKept])).toEqual([
      ['k1', false, true],
      ['k2', true, true],
      ['k3', true, false],
    ]);
  });

  test('has the ids of the archive, where the pool has one', async () => {
    expect(await readWith({}, openhands)).not.toHaveProperty('archived');
    const archiving: Pool = { ...openhands, retirement: { kind: 'delete', archive: 'archive' } };
    await db.collection<{ _id: string }>('archive').insertOne({ _id: 'k1' });
    expect((await readPool(db, archiving)).archived).toEqual(['k1']);
  });
});
