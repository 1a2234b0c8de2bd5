// A host program with its members in Docker, that waits for its end; run by docker.test.ts.
import { startReplicaSet } from 'mongo-test-replica-set';

await startReplicaSet({ provider: 'docker', members: 1 });
process.stdout.write('ready\n');
// A container keeps no process alive as child processes do.
process.stdin.resume();
