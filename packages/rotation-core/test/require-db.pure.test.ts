import mongoose from 'mongoose';
import { MongoClient } from 'mongodb';
import { MongoClient as MongoClient4 } from 'mongodb4';
import { MongoClient as MongoClient5 } from 'mongodb5';
import { expect, test } from 'vitest';
import { createRotator, type AnyDb } from '../src/index.ts';
import { RotationError } from '../src/errors.ts';
import { refuseDeployment } from '../src/flow/require-transactions.ts';
import { deletingPool } from './support/pools.ts';
import { untyped } from './support/untyped.ts';

/* Nothing is connected here: what can't be used is refused before anything is sent. */
const client = new MongoClient('mongodb://127.0.0.1:1');
const closed = mongoose.createConnection();

// Red where the Db is taken as it comes: the first call then throws a TypeError of the driver or of ours.
test.each<[string, unknown, RegExp]>([
  [
    'nothing',
    undefined,
    /^Expected a Db, got undefined: pass client\.db\('name'\), or the db of a mongoose connection once it is open$/,
  ],
  ['null', null, /^Expected a Db, got null: /],
  ['a string', 'mongodb://127.0.0.1', /^Expected a Db, got string: /],
  ['the db of a mongoose connection that is not open', closed.db, /got undefined: .* once it is open$/],
  ['a MongoClient', client, /^Expected a Db, got a MongoClient: pass client\.db\('name'\)$/],
  ['a mongoose connection', closed, /^Expected a Db, got a connection of mongoose: pass its db, once it is open$/],
  ['mongoose itself', mongoose, /^Expected a Db, got a connection of mongoose: /],
  ['a collection', client.db('d').collection('c'), /^Expected a Db, got object: /],
  ...[MongoClient4, MongoClient5].map((Client): [string, unknown, RegExp] => [
    'a Db of an old driver',
    new Client('mongodb://127.0.0.1:1').db('d'),
    /^The Db is of a driver older than 6\.9; update the package mongodb$/,
  ]),
])('%s is refused in one line', (_title, value, message) => {
  expect(() => createRotator(untyped(value), deletingPool)).toThrow(RotationError);
  expect(() => createRotator(untyped(value), deletingPool)).toThrow(message);
});

test('the types take a Db of any copy, and nothing that lacks its parts', () => {
  const db: AnyDb = client.db('d');
  expect(createRotator(db, deletingPool)).toHaveProperty('rotate');
  // @ts-expect-error a MongoClient is no Db
  expect(() => createRotator(client, deletingPool)).toThrow(RotationError);
});

/* There is no mongos on every machine, so its answer to `hello` stands for it. From the manual, "hello". */
test.each([
  ['a mongos', { isWritablePrimary: true, msg: 'isdbgrid', maxWireVersion: 17 }, /mongos.*no common snapshot/],
  ['a standalone server', { isWritablePrimary: true, maxWireVersion: 17 }, /--replSet .* rs\.initiate\(\)/],
])('%s is refused, and says why', (_title, hello, message) => {
  expect(() => refuseDeployment(hello)).toThrow(message);
  expect(() => refuseDeployment({ ...hello, msg: undefined, setName: 'rs' })).not.toThrow();
});
