import { setTimeout as sleep } from 'node:timers/promises';
import { createDatabaseName } from 'mongo-test-replica-set';
import type { Db, MongoClient } from 'mongodb';
import type { JudgedStates } from '../system/judged-states.ts';
import type { Run } from '../system/run.ts';
import type { StormPlan } from '../system/scenario.ts';
import type { Deployment, System } from '../system/system.ts';
import type { SystemTypes } from '../system/system-types.ts';
import { getNamed } from '../trial/get-named.ts';
import type { Trial } from '../trial/trial.ts';
import { mergeHistories } from '../history/recorder.ts';
import type { Workers } from './workers.ts';

/** Where storms rage. */
export interface StormSite<T extends SystemTypes> {
  readonly client: MongoClient;
  readonly uri: string;
  readonly workers: Workers<T>;
}

export interface StormOptions<T extends SystemTypes> {
  readonly plan: StormPlan<T>;
  readonly processes: number;
  /** Calls under way at once in each process, at most. */
  readonly maxConcurrency: number;
  /** See {@link WorkerTask}. Default: true. */
  readonly isConcurrencyChosen?: boolean;
  readonly judged: JudgedStates;
  readonly signal: AbortSignal;
}

/** A storm that is over. */
export interface StormRun<T extends SystemTypes> {
  readonly run: Run<T>;
  /** From the first call to the last answer. */
  readonly durationMs: number;
  /** The signal ended it: calls that were under way count as crashed. */
  readonly isCutOff: boolean;
}

/** Between two reads of the state, so that reading does not become the load. */
const READ_PAUSE_MS = 25;
const MAX_STATES = 20;

/**
 * Fills a fresh database, lets the callers loose, reads committed states meanwhile, and reads what is left.
 *
 * @throws the signal's reason where it fires before the callers begin, or where what is left can't be read any more
 */
export async function runStorm<T extends SystemTypes>(
  system: System<T>,
  { client, uri, workers }: StormSite<T>,
  trial: Omit<Trial, 'expected'>,
  options: StormOptions<T>,
): Promise<StormRun<T>> {
  const { plan, processes, maxConcurrency, isConcurrencyChosen = true, judged, signal } = options;
  const deployment = getNamed('deployment', system.deployments, trial.deployment);
  const db = client.db(createDatabaseName('stress', { prefix: `${system.name}_` }));
  try {
    const tasks = Array.from({ length: processes }, (_, process) => ({
      process,
      uri,
      database: db.databaseName,
      trial,
      calls: plan.calls.filter((_call, index) => index % processes === process),
      maxConcurrency,
      isConcurrencyChosen,
    }));
    // While the database is empty, for a flow with processes of its own rehearses then.
    const go = await workers.prepare(tasks, signal);
    await system.fill(db, deployment, plan.start);
    const start = await readState(system, db, deployment);
    const beganAtMs = performance.now();
    let isCutOff = false;
    const running = go().catch((error: unknown) => {
      isCutOff = signal.aborted;
      if (!isCutOff) throw error;
      return workers.cutOff();
    });
    const reading = judged === 'end' ? [] : readWhile(running, system, db, deployment);
    const [histories, between] = await Promise.all([running, reading]);
    const durationMs = performance.now() - beganAtMs;
    const final = await readState(system, db, deployment);
    const history = mergeHistories(histories);
    if (!isCutOff && history.operations.length < plan.calls.length)
      throw new Error(`${plan.calls.length} calls were planned, and ${history.operations.length} were made`);
    const expectedErrors = plan.expectedErrors ?? [];
    return { run: { scenario: trial.scenario, start, between, final, history, expectedErrors }, durationMs, isCutOff };
  } finally {
    // What a worker still writes would bring the database back.
    if (signal.aborted) await workers[Symbol.asyncDispose]();
    // After Ctrl-C the servers may be gone before this process, for they got the signal too; then so is the database.
    await db.dropDatabase().catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
  }
}

/** Reads all documents in one snapshot, so that no transaction is seen in part. */
async function readState<T extends SystemTypes>(
  system: System<T>,
  db: Db,
  deployment: Deployment<T>,
): Promise<T['state']> {
  await using session = db.client.startSession({ snapshot: true });
  return await system.read(db, deployment, session);
}

/** Reads committed states until the callers are done: some invariants hold in each of them, not only at the end. */
async function readWhile<T extends SystemTypes>(
  running: Promise<unknown>,
  system: System<T>,
  db: Db,
  deployment: Deployment<T>,
): Promise<T['state'][]> {
  const states: T['state'][] = [];
  const ended = new AbortController();
  const end = (): void => ended.abort();
  running.then(end, end);
  while (!ended.signal.aborted && states.length < MAX_STATES) {
    states.push(await readState(system, db, deployment));
    await sleep(READ_PAUSE_MS, undefined, { signal: ended.signal }).catch(end);
  }
  return states;
}
