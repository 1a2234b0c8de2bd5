import assert from 'node:assert/strict';
import { AutoIncrementID } from '@typegoose/auto-increment';
import mongoose, { type Connection } from 'mongoose';
import type { Scenario } from './scenario.ts';

/* Two processes save the very first order at once. The plug-in numbers the orders. */

export const firstSave: Scenario<Connection> = {
  clients: 2,

  reset: async (db) => {
    await Promise.all(['identitycounters', 'orders'].map((name) => db.collection(name).deleteMany({})));
    // The index that the plug-in's schema declares.
    await db.collection('identitycounters').createIndex({ field: 1, modelName: 1 }, { unique: true });
  },

  prepare: async ({ uri, track }, db) => {
    const options = { dbName: db.databaseName, autoIndex: false, autoCreate: false };
    const connection = await mongoose.createConnection(uri, options).asPromise();
    track(connection.getClient());
    return connection;
  },

  flow: async ({ letter }, _db, connection) => {
    // The plug-in looks for its counter once in each process: each run is a process that has just started.
    connection.deleteModel(/./);
    const schema = new mongoose.Schema({ _id: Number, item: String });
    schema.plugin(AutoIncrementID, {});
    const order = await connection.model('Order', schema).create({ item: letter });
    return Number(order._id);
  },

  check: (_db, outcomes) => {
    assert.ok(!outcomes.some(({ kind }) => kind === 'threw'), 'a save was refused');
    const numbers = outcomes.flatMap((outcome) => (outcome.kind === 'returned' ? [outcome.value] : []));
    assert.ok(new Set(numbers).size === numbers.length, 'two orders have one number');
  },

  showFields: ['field', 'modelName', 'item'],
};
