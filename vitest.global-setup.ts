import { startReplicaSet } from 'mongo-replica-set';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** The replica set of all tests. */
    mongodbUri: string;
    /** The path of its mongod; undefined where the set is not a local one. */
    mongod: string | undefined;
  }
}

/** One replica set of three members for all test files; each of them has a database of its own there. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const set = await startReplicaSet();
  project.provide('mongodbUri', set.uri);
  project.provide('mongod', set.mongod);
  return () => set.stop();
}
