import type { Db } from 'mongodb';
import { RotationError } from '../errors.ts';

/** A Db, as far as types go: those of two copies of the driver don't fit each other. `createRotator` checks the rest. */
export interface AnyDb {
  readonly databaseName: string;
  collection(name: string): object;
}

interface Candidate {
  readonly collection?: unknown;
  readonly databaseName?: unknown;
  readonly client?: unknown;
  readonly db?: unknown;
  readonly models?: unknown;
}

/**
 * Checks that a value is a Db of a driver that rotations can work with, whatever copy of the driver it is from.
 *
 * @throws RotationError `invalid-argument` that says what to pass instead.
 */
export function requireDb(value: AnyDb): Db {
  const { collection, databaseName, client, db, models } = fieldsOf(value);
  if (typeof collection === 'function' && typeof databaseName === 'string') {
    // Since driver 6.9, clients can be disposed of, and have what this package needs.
    if (typeof client !== 'object' || client === null || !(Symbol.asyncDispose in client))
      throw new RotationError('invalid-argument', 'The Db is of a driver older than 6.9; update the package mongodb');
    return value as Db;
  }
  const got = value === null ? 'null' : typeof value;
  if (models !== undefined)
    throw new RotationError(
      'invalid-argument',
      'Expected a Db, got a connection of mongoose: pass its db, once it is open',
    );
  if (typeof db === 'function')
    throw new RotationError('invalid-argument', "Expected a Db, got a MongoClient: pass client.db('name')");
  throw new RotationError(
    'invalid-argument',
    `Expected a Db, got ${got}: pass client.db('name'), or the db of a mongoose connection once it is open`,
  );
}

const fieldsOf = (value: unknown): Candidate => (typeof value === 'object' && value !== null ? value : {});
