import { createRequire } from 'node:module';
import mongoose from 'mongoose';
import { MongoClient } from 'mongodb';
import { createTestDatabaseName, exploringSet } from 'test-kit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { interleave, type InterleaveSession } from '../src/index.ts';

/* mongoose brings its own copy of the driver, creates collections and indexes when a model is made, and sends several commands at once. */

// Its types declare the module 'mongoose', whatever its name is here.
const require = createRequire(import.meta.url);
const mongoose8: typeof mongoose = require('mongoose8');

const set = exploringSet();
const database = createTestDatabaseName('mongoose');
const control = new MongoClient(set.uri);
beforeAll(async () => {
  await control.db(database).createCollection('c');
});
afterAll(() => control.close());

interface Account {
  readonly _id: string;
  balance: number;
}

/** Each client reads two accounts at once and moves 1 from one to the other with `save`. */
async function open(library: typeof mongoose): Promise<InterleaveSession<void>> {
  const schema = new library.Schema<Account>({ _id: String, balance: { type: Number, index: true } });
  return await interleave({
    uri: set.uri,
    database,
    clients: 2,
    reset: async (db) => {
      await db.collection('accounts').deleteMany({});
      await db.collection<Account>('accounts').insertMany(['x', 'y'].map((_id) => ({ _id, balance: 10 })));
    },
    prepare: async (client) => {
      const connection = await library.createConnection(client.uri, { dbName: database }).asPromise();
      client.track(connection.getClient());
      const accounts = connection.model('Account', schema, 'accounts');
      await accounts.init();
      return { connection, accounts };
    },
    dispose: ({ connection }) => connection.close(),
    flow: async (_client, _db, { accounts }) => {
      const [from, to] = await Promise.all([accounts.findById('x').orFail(), accounts.findById('y').orFail()]);
      from.balance -= 1;
      to.balance += 1;
      await from.save();
      await to.save();
    },
    check: async (db) => {
      const { balance } = (await db.collection<Account>('accounts').findOne({ _id: 'x' })) ?? {};
      expect(balance).toBe(8);
    },
  });
}

describe.each([
  ['8', mongoose8],
  ['9', mongoose],
])('mongoose %s', (_version, library) => {
  test('with its defaults: complete, and the lost update is found', async () => {
    await using session = await open(library);
    const first = await session.explore();
    expect(first.complete).toBe(true);
    expect(first.violations.length).toBeGreaterThan(0);
    const again = await session.explore();
    expect(again.classes).toBe(first.classes);
  });
});
