/* Prints why Docker was not used: `node start-docker.mjs <what DOCKER_HOST is>`. */
import { startReplicaSet } from 'mongo-test-replica-set';

const environment = { ...process.env, DOCKER_HOST: process.argv[2] };
await startReplicaSet({ provider: 'docker', environment }).then(
  (set) => set.stop(),
  (error) => process.stdout.write(error.message),
);
