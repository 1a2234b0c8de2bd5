import { createRequire } from 'node:module';
import mongoose from 'mongoose';
import { MongoClient } from 'mongodb';
import { MongoClient as MongoClient69 } from 'mongodb69';
import { MongoClient as MongoClient70 } from 'mongodb70';
import { oneMemberSet } from 'test-kit';
import type { AnyDb } from '../../src/index.ts';

// Its types declare the module 'mongoose', whatever its name is here.
const require = createRequire(import.meta.url);
const mongoose8: typeof mongoose = require('mongoose8');

/** A Db as a service has it, whose driver is another copy than the one of rotation-core's types. */
export interface ForeignDb extends AsyncDisposable {
  readonly db: AnyDb;
  /** Runs a command with that driver. */
  command(command: object): Promise<unknown>;
}

async function openMongoose(library: typeof mongoose, name: string): Promise<ForeignDb> {
  const connection = await library.createConnection(oneMemberSet().uri, { dbName: name }).asPromise();
  const { db } = connection;
  if (db === undefined) throw new TypeError('an open connection has a db');
  return { db, command: (command) => db.command(command), [Symbol.asyncDispose]: () => connection.close() };
}

/** The clients of all versions are alike, as far as the tests need it. */
interface AnyClient {
  connect(): Promise<unknown>;
  db(name: string): AnyDb & { command(command: object): Promise<unknown> };
  close(): Promise<unknown>;
}

async function openClient(client: AnyClient, name: string): Promise<ForeignDb> {
  await client.connect();
  const db = client.db(name);
  return {
    db,
    command: (command) => db.command(command),
    [Symbol.asyncDispose]: async () => void (await client.close()),
  };
}

/** The ends of the peer range, and the copies that mongoose brings. */
export const DRIVERS: Readonly<Record<string, (name: string) => Promise<ForeignDb>>> = {
  'mongoose 8': (name) => openMongoose(mongoose8, name),
  'mongoose 9': (name) => openMongoose(mongoose, name),
  'mongodb 6.9': (name) => openClient(new MongoClient69(oneMemberSet().uri), name),
  'mongodb 7.0': (name) => openClient(new MongoClient70(oneMemberSet().uri), name),
  'mongodb 7.9': (name) => openClient(new MongoClient(oneMemberSet().uri), name),
};
