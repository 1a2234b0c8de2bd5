import { startReplicaSet } from 'mongo-replica-set';
import type { TestProject } from 'vitest/node';

/** One replica set of three members for all test files; each of them has a database of its own there. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const set = await startReplicaSet();
  project.provide('mongodbUri', set.uri);
  return () => set.stop();
}
