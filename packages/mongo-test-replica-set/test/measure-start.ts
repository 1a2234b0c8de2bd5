// Prints how long a start takes: with an empty cache, with a warm one, and for a set of one.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startReplicaSet } from 'mongo-test-replica-set';

const home = await mkdtemp(join(tmpdir(), 'measure-start-'));
const environment = { ...process.env, XDG_CACHE_HOME: home, MONGODB_URI: undefined, MONGOD: undefined };
for (const [what, members] of [
  ['first start', 3],
  ['second start', 3],
  ['one member', 1],
] as const) {
  const begunMs = performance.now();
  const set = await startReplicaSet({ environment, members });
  const tookMs = Math.round(performance.now() - begunMs);
  const passedOver = set.passedOver.map(({ provider }) => provider).join(', ');
  process.stdout.write(`${what}: ${tookMs} ms, ${set.provider} ${set.serverVersion} (passed over: ${passedOver})\n`);
  await set.stop();
}
await rm(home, { recursive: true });
