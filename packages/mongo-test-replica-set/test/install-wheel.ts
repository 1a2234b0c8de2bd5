// Starts a set by the wheel provider and says where its mongod came from; run twice at once by wheel.test.ts.
import { startReplicaSet } from 'mongo-test-replica-set';

const set = await startReplicaSet({ provider: 'wheel', members: 1 });
process.stdout.write(`${set.provider} ${set.serverVersion}\n`);
await set.stop();
