// Prints the path of the mongod that local sets of this machine run on; fetches one when there is none.
import { startLocalSet } from '../local-set.ts';

const set = await startLocalSet({ members: 1 });
process.stdout.write(`${set.mongod ?? ''}\n`);
await set.stop();
