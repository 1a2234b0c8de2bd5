// Prints the path of the mongod that local sets of this machine run on; fetches one when there is none.
import { readlinkSync } from 'node:fs';
import { startLocalSet } from '../local-set.ts';
import { mongodsOf } from '../traces.ts';

const set = await startLocalSet({ members: 1 });
const [pid] = mongodsOf(process.pid);
process.stdout.write(`${readlinkSync(`/proc/${pid}/exe`)}\n`);
await set.stop();
