import type { Db, Document, MongoClient } from 'mongodb';
import { RotationError } from '../errors.ts';
import { noteBsonClasses } from './bson-classes.ts';
import { openAdminDb } from './own-db.ts';

const asked = new WeakSet<MongoClient>();

/**
 * Asks the server once for each client whether rotations can work there.
 *
 * @throws RotationError `not-a-replica-set`; an error of the driver if there is no answer.
 */
export async function requireTransactions(db: Db): Promise<void> {
  if (asked.has(db.client)) return;
  const hello = await openAdminDb(db).command({ hello: 1 });
  refuseDeployment(hello);
  await noteBsonClasses(db, hello);
  asked.add(db.client);
}

/**
 * Tells by the answer to `hello` whether the server is a member of a replica set.
 *
 * @throws RotationError `not-a-replica-set` that names the remedy.
 */
export function refuseDeployment(hello: Document): void {
  if (hello['msg'] === 'isdbgrid')
    throw new RotationError(
      'not-a-replica-set',
      'The server is a mongos. Transactions of a sharded cluster have no common snapshot with read concern majority, so that an empty page of backups would not prove that there is none. Connect to a replica set.',
    );
  if (hello['setName'] === undefined)
    throw new RotationError(
      'not-a-replica-set',
      'A standalone server has no transactions. Start mongod with --replSet and run rs.initiate() once; a replica set of one member is enough.',
    );
}
