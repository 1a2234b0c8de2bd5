import { startReplicaSet, type ReplicaSet } from 'mongo-test-replica-set';
import type { TestProject } from 'vitest/node';

/** Files that run at once; more than two, for some of them wait most of the time. */
export const WORKERS = 3;

/** One replica set of one member for each worker: a fail point is global to a mongod. Each test file has databases of its own there. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const sets: ReplicaSet[] = [];
  const start = async (): Promise<void> => {
    sets.push(await startReplicaSet({ members: 1, journaledMajority: false }));
  };
  const stop = async (): Promise<void> => void (await Promise.all(sets.map((set) => set.stop())));
  try {
    // The first start may have to fetch a mongod, which the others then find.
    await start();
    await Promise.all(Array.from({ length: WORKERS - 1 }, start));
  } catch (error) {
    await stop();
    throw error;
  }
  project.provide(
    'oneMemberSets',
    sets.map(({ uri, members }) => ({ uri, port: members[0]?.port ?? 0 })),
  );
  project.provide('mongod', sets[0]?.mongod);
  return stop;
}
