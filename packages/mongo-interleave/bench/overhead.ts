/*
 * What the gate costs: `pnpm bench` compares runs through the gate with the same clients running freely, in milliseconds per run and
 * schedules per second, on a one-member replica set of its own. Both include the reset of the data. Blocks of both alternate.
 */
import { MongoClient, type Db } from 'mongodb';
import { createDatabaseName, startReplicaSet } from 'mongo-test-replica-set';
import { interleave, type FlowClient } from '../src/index.ts';
import { checkedClaim, createCollections, inTransaction, rotationScenario } from '../test/support/rotation.ts';

const BLOCKS = 6;
const RUNS_PER_BLOCK = 100;
const PREEMPTIONS = 6;
const MAX_WORKERS = 3;

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
  for (let workers = 1; workers <= MAX_WORKERS; workers++) await compare(name, flow, clients, workers);

async function compare(name: string, flow: Flow, clients: number, workers: number): Promise<void> {
  const database = createDatabaseName('bench', { prefix: 'rotation_' });
  const names = [database, ...Array.from({ length: workers - 1 }, (_, index) => `${database}_${index + 2}`)];
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
        free.map((mongo, index) =>
          flow(
            {
              index,
              letter: '',
              life: 0,
              mongo,
              uri: '',
              track: (client) => client,
              remote: () => undefined,
              now: async () => new Date(0),
            },
            mongo.db(database),
          ),
        ),
      );
    }
    spent.free.ms += performance.now() - startedMs;
    spent.free.runs += RUNS_PER_BLOCK;
    startedMs = performance.now();
    // With a preemption limit no schedule stands for another, so that there are enough schedules to run.
    spent.gated.runs += (await gated.explore({ workers, maxRuns: RUNS_PER_BLOCK, maxPreemptions: PREEMPTIONS })).runs;
    spent.gated.ms += performance.now() - startedMs;
  }
  await Promise.all(free.map((mongo) => mongo.close()));
  for (const one of names) await control.db(one).dropDatabase();
  const [freeMs, gatedMs] = [spent.free.ms / spent.free.runs, spent.gated.ms / spent.gated.runs];
  const figures = [freeMs, gatedMs, gatedMs / freeMs, 1_000 / gatedMs].map((value) => value.toFixed(2).padStart(8));
  const [freeText, gatedText, ratio, perSecond] = figures;
  say(
    `${name.padEnd(14)} ${clients} callers, ${workers} workers: free ${freeText} ms, gated ${gatedText} ms, ratio ${ratio}, ${perSecond} schedules/s`,
  );
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
