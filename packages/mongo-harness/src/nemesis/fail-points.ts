import { setTimeout as sleep } from 'node:timers/promises';
import type { Member } from 'mongo-test-replica-set';
import { MongoClient, type Document } from 'mongodb';

/** Another fault may have killed or frozen a member. */
const MAX_REACH_MS = 3_000;
/** A killed or frozen member is back after 9 s at most, and starts in seconds. */
const MAX_END_MS = 60_000;
const POLL_MS = 100;

/** A fail point that is set. */
export interface SetFailPoint {
  /**
   * Ends it on all members; waits for those that can't be reached, for a frozen one may still have it.
   *
   * @returns how often commands, or the server's own threads, have met it, as far as members still know
   */
  readonly end: () => Promise<number>;
}

/**
 * Sets a fail point of the server on these members. Fail points need enableTestCommands, which the sets of the harness have. A fail point is
 * a member's own, and gone when the member is started again; a member that can't be reached goes without.
 *
 * @returns when the first member has it
 * @throws what the members were answered, where none can be reached
 */
export async function setFailPoint(
  name: string,
  members: readonly Member[],
  settings: Document,
): Promise<SetFailPoint> {
  const setting = members.map((member) => configure(name, member, settings));
  const counts = Promise.allSettled(setting);
  await Promise.any(setting);
  return {
    end: async () => {
      const before = await counts;
      const met = await Promise.all(
        members.map(async (member, index) => {
          const count = await persist(() => configure(name, member, { mode: 'off' }));
          const first = before[index];
          return Math.max(0, count - (first?.status === 'fulfilled' ? first.value : 0));
        }),
      );
      return met.reduce((sum, count) => sum + count, 0);
    },
  };
}

async function configure(name: string, { host, port }: Member, settings: Document): Promise<number> {
  const uri = `mongodb://${host}:${port}/?directConnection=true`;
  await using client = new MongoClient(uri, {
    serverSelectionTimeoutMS: MAX_REACH_MS,
    connectTimeoutMS: MAX_REACH_MS,
    socketTimeoutMS: MAX_REACH_MS,
  });
  const { count } = await client.db('admin').command({ configureFailPoint: name, ...settings });
  return Number(count);
}

async function persist<R>(attempt: () => Promise<R>): Promise<R> {
  const deadlineMs = performance.now() + MAX_END_MS;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (performance.now() >= deadlineMs) throw error;
    }
    await sleep(POLL_MS);
  }
}
