import type { Member } from 'mongo-test-replica-set';
import { MongoClient, type Document } from 'mongodb';

const MAX_ANSWER_MS = 5_000;

/**
 * Sets a fail point of the server on these members. Fail points need enableTestCommands, which the sets of the harness have. A fail point is
 * a member's own.
 *
 * @returns how often commands, or the server's own threads, have met it on all of them so far
 */
export async function configureFailPoint(
  name: string,
  members: readonly Member[],
  settings: Document,
): Promise<number> {
  const counts = await Promise.all(
    members.map(async ({ host, port }) => {
      const uri = `mongodb://${host}:${port}/?directConnection=true`;
      await using client = new MongoClient(uri, { serverSelectionTimeoutMS: MAX_ANSWER_MS });
      const { count } = await client.db('admin').command({ configureFailPoint: name, ...settings });
      return Number(count);
    }),
  );
  return counts.reduce((sum, count) => sum + count, 0);
}
