import { MongoClient } from 'mongodb';
import { afterAll, inject } from 'vitest';

declare module 'vitest' {
  /** What the global set-up provides. */
  interface ProvidedContext {
    /** One for each worker of vitest. */
    oneMemberSets: readonly OneMemberSet[];
    /** The path of their mongod; undefined where the sets are not local ones. */
    mongod: string | undefined;
  }
}

/** A replica set whose majority writes need no journal, for nobody stops its member. JSON. */
export interface OneMemberSet {
  readonly uri: string;
  /** The port of its member, on the loopback address. */
  readonly port: number;
}

/**
 * The one-member set of this worker. No other file uses it at the same time, so fail points and server parameters are this file's own;
 * the file must leave them as they were, and must not stop the member.
 */
export function oneMemberSet(): OneMemberSet {
  const worker = Number(process.env['VITEST_POOL_ID']);
  const set = inject('oneMemberSets')[worker - 1];
  if (set === undefined) throw new Error(`there is no replica set for worker ${worker}`);
  return set;
}

/**
 * The same set, as `pnpm stress explore` starts one: until the file is over, the server keeps no history of documents. A schedule is then
 * a fifth faster; snapshot reads don't work.
 */
export async function exploringSet(): Promise<OneMemberSet> {
  const set = oneMemberSet();
  // A set that was not started for the tests keeps its parameters.
  if (inject('mongod') === undefined) return set;
  const before = await setHistoryWindow(set, 0);
  afterAll(() => setHistoryWindow(set, before));
  return set;
}

/** @returns the window until now, in seconds */
async function setHistoryWindow({ uri }: OneMemberSet, seconds: unknown): Promise<unknown> {
  await using client = new MongoClient(uri);
  const { was } = await client.db('admin').command({ setParameter: 1, minSnapshotHistoryWindowInSeconds: seconds });
  return was;
}
