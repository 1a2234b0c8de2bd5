import { createDatabaseName, startReplicaSet, type ReplicaSet } from 'mongo-replica-set';
import { afterAll } from 'vitest';

/** A set of one member for this test file; majority writes need no journal there, for nobody kills it. */
export async function startLocalSet(): Promise<ReplicaSet> {
  const set = await startReplicaSet({ members: 1, journaledMajority: false });
  afterAll(() => set.stop());
  return set;
}

/** A database of its own for this test file. */
export const databaseOf = (label: string): string => createDatabaseName(label);
