import type { Transaction } from 'rotation-core/testing';

/** Commits with one command that nobody sends again, as a client without retries does. The driver's own commit would, once. */
export async function commitOnce({ db, session }: Transaction): Promise<void> {
  await db.admin().command({ commitTransaction: 1, writeConcern: { w: 'majority' } }, { session });
}
