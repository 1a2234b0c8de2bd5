import { MongoClient as MongoClient3 } from 'mongodb3';
import { MongoClient as MongoClient4 } from 'mongodb4';
import { MongoClient as MongoClient5 } from 'mongodb5';
import { MongoClient as MongoClient6 } from 'mongodb6';
import { MongoClient as MongoClient7 } from 'mongodb';
import type { TrackableClient } from '../../src/index.ts';

/** What all versions of the driver have in common, as far as the tests need it. */
export interface AnyCollection {
  findOne(filter: object): Promise<object | null>;
  insertOne(document: object): Promise<unknown>;
  updateOne(filter: object, update: object, options?: object): Promise<unknown>;
  deleteMany(filter: object): Promise<unknown>;
}

export interface AnyClient extends TrackableClient {
  connect(): Promise<unknown>;
  db(name: string): { collection(name: string): AnyCollection };
  close(): Promise<unknown>;
}

export const openDriver4 = (uri: string, options?: object): AnyClient => new MongoClient4(uri, options);

/** The newest release of each major version. */
export const DRIVERS: Readonly<Record<string, (uri: string, options?: object) => AnyClient>> = {
  '3.7': (uri, options) => new MongoClient3(uri, { useUnifiedTopology: true, ...options } as object),
  '4.17': openDriver4,
  '5.9': (uri, options) => new MongoClient5(uri, options),
  '6.22': (uri, options) => new MongoClient6(uri, options),
  '7.9': (uri, options) => new MongoClient7(uri, options),
};
