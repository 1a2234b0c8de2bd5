import { startReplicaSet, type ReplicaSet, type StartOptions } from 'mongo-test-replica-set';
import type { TestProject } from 'vitest/node';

/** Files that run at once; more than two, for some of them wait most of the time. */
export const WORKERS = 3;

const ONE_MEMBER: StartOptions = { members: 1, journaledMajority: false };
/** As `pnpm stress explore` starts one. The parameter can't be changed for a while: what was forgotten meanwhile stays too old to read. */
const EXPLORING: StartOptions = { ...ONE_MEMBER, setParameters: { minSnapshotHistoryWindowInSeconds: 0 } };

/** Replica sets of one member for each worker: a fail point is global to a mongod. Each test file has databases of its own there. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const started: ReplicaSet[] = [];
  const start = async (options: StartOptions): Promise<ReplicaSet> => {
    const set = await startReplicaSet(options);
    started.push(set);
    return set;
  };
  const startMany = (count: number, options: StartOptions): Promise<ReplicaSet[]> =>
    Promise.all(Array.from({ length: count }, () => start(options)));
  const stop = async (): Promise<void> => void (await Promise.all(started.map((set) => set.stop())));
  try {
    // The first start may have to fetch a mongod, which the others then find.
    const first = await start(ONE_MEMBER);
    const [others, exploring] = await Promise.all([startMany(WORKERS - 1, ONE_MEMBER), startMany(WORKERS, EXPLORING)]);
    project.provide('oneMemberSets', [first, ...others].map(toProvided));
    project.provide('exploringSets', exploring.map(toProvided));
    project.provide('mongod', first.mongod);
    return stop;
  } catch (error) {
    await stop();
    throw error;
  }
}

const toProvided = ({ uri, members }: ReplicaSet): { readonly uri: string; readonly port: number } => ({
  uri,
  port: members[0]?.port ?? 0,
});
