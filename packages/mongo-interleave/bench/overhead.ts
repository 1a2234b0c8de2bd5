/*
 * What the gate costs: `pnpm bench` prints milliseconds and schedules a second of gated schedules beside the same callers
 * running freely, on a one-member set of its own. The reset of the data is in both; blocks of both take turns.
 */
import { MongoClient, type Db } from 'mongodb';
import { createDatabaseName, startReplicaSet } from 'mongo-replica-set';
import { interleave, type FlowClient } from '../src/index.ts';
import { checkedClaim, createCollections, inTransaction, rotationScenario } from '../test/support/rotation.ts';

const BLOCKS = 6;
const RUNS_PER_BLOCK = 100;
const PREEMPTIONS = 6;
const LANES_MAX = 3;

type Flow = (client: FlowClient, db: Db) => Promise<string>;

await using set = await startReplicaSet({ members: 1, journaledMajority: false });
await using control = await new MongoClient(set.uri).connect();
say(`MongoDB ${set.serverVersion}, one member, data on ${set.storage}\n`);

for (const [name, flow, clients] of [
  ['checked-claim', checkedClaim, 2],
  ['checked-claim', checkedClaim, 3],
  ['a transaction', inTransaction, 2],
  ['a transaction', inTransaction, 3],
] as const)
  for (let lanes = 1; lanes <= LANES_MAX; lanes++) await compare(name, flow, clients, lanes);

async function compare(name: string, flow: Flow, clients: number, lanes: number): Promise<void> {
  const database = createDatabaseName('bench');
  const names = [database, ...Array.from({ length: lanes - 1 }, (_, index) => `${database}_${index + 2}`)];
  for (const one of names) await createCollections(control.db(one));
  const free = await Promise.all(Array.from({ length: clients }, () => new MongoClient(set.uri).connect()));
  await using gated = await interleave({
    uri: set.uri,
    database,
    clients,
    flow,
    reset: rotationScenario.reset,
    check: () => undefined,
  });
  const spent = { free: { ms: 0, runs: 0 }, gated: { ms: 0, runs: 0 } };
  for (let block = 0; block < BLOCKS; block++) {
    let startedMs = performance.now();
    for (let run = 0; run < RUNS_PER_BLOCK; run++) {
      await rotationScenario.reset(control.db(database));
      await Promise.all(
        free.map((mongo, index) => flow({ index, letter: '', life: 0, mongo, uri: '' }, mongo.db(database))),
      );
    }
    spent.free.ms += performance.now() - startedMs;
    spent.free.runs += RUNS_PER_BLOCK;
    startedMs = performance.now();
    // A preemption limit, for there are too few classes without one.
    spent.gated.runs += (await gated.explore({ lanes, runLimit: RUNS_PER_BLOCK, preemptionLimit: PREEMPTIONS })).runs;
    spent.gated.ms += performance.now() - startedMs;
  }
  await Promise.all(free.map((mongo) => mongo.close()));
  for (const one of names) await control.db(one).dropDatabase();
  const [freeMs, gatedMs] = [spent.free.ms / spent.free.runs, spent.gated.ms / spent.gated.runs];
  const figures = [freeMs, gatedMs, gatedMs / freeMs, 1_000 / gatedMs].map((value) => value.toFixed(2).padStart(8));
  const [freeText, gatedText, ratio, perSecond] = figures;
  say(
    `${name.padEnd(14)} ${clients} callers, ${lanes} lanes: free ${freeText} ms, gated ${gatedText} ms, ratio ${ratio}, ${perSecond} schedules/s`,
  );
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
