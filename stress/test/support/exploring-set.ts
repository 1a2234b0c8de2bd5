import { startReplicaSet, type ReplicaSet } from 'mongo-replica-set';
import { afterAll } from 'vitest';
import { exploringSet } from '../../src/commands/context.ts';

/** A set of one for this test file, as the command explores on. */
export async function startExploringSet(): Promise<ReplicaSet> {
  const set = await startReplicaSet(exploringSet);
  afterAll(() => set.stop());
  return set;
}
