import { MongoServerError } from 'mongodb';
import type { Transaction } from 'rotation-core/testing';

/**
 * Commits with one command that nobody sends again, as a client without retries does. The driver's own commit would, once.
 *
 * @throws also what the server says of the write concern, which `command` leaves in the reply: the commit may have no majority
 */
export async function commitOnce({ db, session }: Transaction): Promise<void> {
  const { writeConcernError } = await db
    .admin()
    .command({ commitTransaction: 1, writeConcern: { w: 'majority' } }, { session });
  if (writeConcernError !== undefined)
    throw new MongoServerError(writeConcernError as MongoServerError['errorResponse']);
}
