/*
 * Runs the scenarios without the gate, and counts how often they break their rules:
 * pnpm exec node examples/published-packages/confirm.ts [rounds]
 */
import { MongoClient } from 'mongodb';
import type { Outcome } from 'mongo-interleave';
import { createDatabaseName, startReplicaSet } from 'mongo-test-replica-set';
import type { Scenario } from './scenario.ts';
import { forEachScenario } from './scenarios.ts';

const DEFAULT_ROUNDS = 300;

/** Starts the flows of a round in the same moment, each on a client of its own. @returns in how many rounds `check` threw */
async function countViolated<P, T>(uri: string, scenario: Scenario<P, T>, rounds: number): Promise<number> {
  const database = createDatabaseName('published');
  const control = await new MongoClient(uri).connect();
  const db = control.db(database);
  const flows = await Promise.all(
    Array.from({ length: scenario.clients }, (_, index) => openFlow(uri, database, index, scenario)),
  );
  let violated = 0;
  for (let round = 0; round < rounds; round++) {
    await scenario.reset(db);
    const outcomes = await Promise.all(flows.map((flow) => outcomeOf(flow)));
    if ((await outcomeOf(async () => scenario.check(db, outcomes))).kind === 'threw') violated++;
  }
  return violated;
}

/** Prepares one client, as a session does. @returns runs the flow */
async function openFlow<P, T>(
  uri: string,
  database: string,
  index: number,
  { prepare, flow }: Scenario<P, T>,
): Promise<() => Promise<T>> {
  const mongo = await new MongoClient(uri).connect();
  const db = mongo.db(database);
  const client = {
    index,
    letter: 'AB'.charAt(index),
    mongo,
    uri,
    life: 0,
    track: <C>(other: C): C => other,
    remote: () => undefined,
    now: () => Promise.resolve(new Date()),
  };
  const prepared = (await prepare?.(client, db)) as P;
  return () => flow(client, db, prepared);
}

const outcomeOf = <T>(run: () => Promise<T>): Promise<Outcome<T>> =>
  run().then(
    (value) => ({ kind: 'returned', value }),
    (error: unknown) => ({ kind: 'threw', error }),
  );

async function main(rounds = DEFAULT_ROUNDS): Promise<void> {
  await using set = await startReplicaSet({ members: 1 });
  await forEachScenario(async (name, scenario) => {
    const violated = await countViolated(set.uri, scenario, rounds);
    process.stdout.write(`${name}: ${violated} of ${rounds} rounds\n`);
  });
}

await main(process.argv[2] === undefined ? DEFAULT_ROUNDS : Number(process.argv[2]));
// Agenda leaves timers behind, which would keep the process for minutes.
process.exit();
