import { createDatabaseName } from 'mongo-test-replica-set';
import { MongoClient, type Db, type MongoClientOptions } from 'mongodb';
import { expect, vi } from 'vitest';
import { oneMemberSet } from './sets.ts';

/** A database of one test file, and the clients that the file opened on it. */
export interface TestDatabase {
  readonly name: string;
  readonly db: Db;
  /** Opens one more client, which stands for one more process. Without options it has the file's appName. */
  connect(options?: MongoClientOptions): Promise<Db>;
  /** Checks that nothing was left behind, then drops the database and closes the clients. */
  close(): Promise<void>;
}

/** A name that no other database has. @param topic the test file's: a-z, 0-9, `-` and `_` */
export const createTestDatabaseName = (topic: string): string => createDatabaseName(topic, { prefix: 'rotation_' });

/** Opens a database on the worker's one-member set. @param topic as in `createTestDatabaseName` */
export async function openTestDatabase(topic: string): Promise<TestDatabase> {
  const name = createTestDatabaseName(`test_${topic}`);
  const clients: MongoClient[] = [];
  const connect = async (options: MongoClientOptions = { appName: name }): Promise<Db> => {
    const client = await new MongoClient(oneMemberSet().uri, options).connect();
    clients.push(client);
    return client.db(name);
  };
  const db = await connect();
  return {
    name,
    db,
    connect,
    async close() {
      try {
        await expectNothingLeft(db, name);
      } finally {
        await db.dropDatabase();
        await Promise.all(clients.map((client) => client.close()));
      }
    },
  };
}

async function expectNothingLeft(db: Db, appName: string): Promise<void> {
  const admin = db.client.db('admin');
  // A rotation that nobody waits for any more may still be on its last commands.
  const openTransactions = () =>
    admin
      .aggregate([
        { $currentOp: { allUsers: false, idleSessions: true } },
        { $match: { appName, transaction: { $exists: true } } },
        { $project: { type: 1, transaction: 1 } },
      ])
      .toArray();
  await vi.waitFor(
    async () => expect(await openTransactions(), 'open transactions after the tests').toEqual([]),
    2_000,
  );
  const { 'failpoint.failCommand': failPoint } = await admin.command({
    getParameter: 1,
    'failpoint.failCommand': 1,
  });
  const isOurs = failPoint.mode !== 0 && String(failPoint.data.appName).startsWith(appName);
  expect(isOurs, 'a fail point is still on after the tests').toBe(false);
}
