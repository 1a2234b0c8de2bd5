import { randomUUID } from 'node:crypto';
import { MongoClient, type Db, type MongoClientOptions } from 'mongodb';
import { expect, inject, vi } from 'vitest';

/** A database of one test file, and the clients that the file opened on it. */
export interface TestDatabase {
  readonly name: string;
  readonly db: Db;
  /** Opens one more client, which stands for one more process. Without options it has the file's appName. */
  connect(options?: MongoClientOptions): Promise<Db>;
  /** Checks that nothing was left behind, then drops the database and closes the clients. */
  close(): Promise<void>;
}

/** @param topic the test file's, in lower case with `_` */
export async function openTestDatabase(topic: string): Promise<TestDatabase> {
  const name = `rotation_test_${topic}_${randomUUID().slice(0, 8)}`;
  const clients: MongoClient[] = [];
  const connect = async (options: MongoClientOptions = { appName: name }): Promise<Db> => {
    const client = await new MongoClient(inject('mongodbUri'), options).connect();
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
