import { readFile } from 'node:fs/promises';
import { keypool, type KeyDocument } from 'keypool';
import { MongoClient, type Db } from 'mongodb';
import { backupsOf, bindingsOf, keysOf } from 'rotation-core/testing';
import { createTestDatabaseName, oneMemberSet } from 'test-kit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { prepareRotation } from './quick-look.ts';

const failed: KeyDocument = { _id: 'k1', apiKey: 'made-up-1', status: 'healthy', createdAt: new Date() };

describe('the examples', () => {
  let client: MongoClient;
  let db: Db;

  beforeAll(async () => {
    client = await new MongoClient(oneMemberSet().uri).connect();
    db = client.db(createTestDatabaseName('examples'));
    await keysOf(db, keypool).insertOne({ ...failed });
    await bindingsOf(db, keypool).insertOne({ proxyId: 'proxy-1', [keypool.bindingKeyField]: 'k1' });
    await backupsOf(db, keypool).insertOne({ _id: 'b1', apiKey: 'made-up-2', isUsed: false });
  });

  afterAll(async () => {
    await db.dropDatabase();
    await client.close();
  });

  it('shows in the README what runs here', async () => {
    const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
    const shown = [...readme.matchAll(/```ts\n(.*?)```/gs)].map(([, code]) => code);
    expect(shown).toContain(await readFile(new URL('quick-look.ts', import.meta.url), 'utf8'));
  });

  it('lets a key rest, and rotates one that failed', async () => {
    const onFailure = await prepareRotation(db);
    expect(await onFailure(failed, 429, '')).toMatchObject({ kind: 'cooling-down', keyId: 'k1' });
    expect(await onFailure(failed, 500, '')).toEqual({ kind: 'unaffected', keyId: 'k1' });
    expect(await onFailure(failed, 402, '')).toMatchObject({ kind: 'rotated', replacement: 'b1' });
  });
});
