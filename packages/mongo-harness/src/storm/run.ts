import { setTimeout as sleep } from 'node:timers/promises';
import type { Wire } from 'mongo-interleave/gate';
import { createDatabaseName, type ReplicaSet } from 'mongo-test-replica-set';
import { MongoError, type Db, type MongoClient } from 'mongodb';
import type { JudgedStates } from '../system/judged-states.ts';
import type { Run } from '../system/run.ts';
import type { StormPlan } from '../system/scenario.ts';
import type { Deployment, System } from '../system/system.ts';
import type { SystemTypes } from '../system/system-types.ts';
import { getNamed } from '../trial/get-named.ts';
import { resolveFlow } from '../trial/resolve-trial.ts';
import type { Trial } from '../trial/trial.ts';
import { Witness } from '../database/witness.ts';
import { mergeHistories } from '../history/recorder.ts';
import { answeredLate } from '../nemesis/in-time.ts';
import { makeFaults, type MadeFaults, type PlannedFaults } from './make-faults.ts';
import { recover } from './recover.ts';
import { StormClock } from './storm-clock.ts';
import { timetable, type TimedCall } from './timetable.ts';
import type { WorkerTask } from './messages.ts';
import type { Workers } from './workers.ts';

/** Where storms rage. */
export interface StormSite<T extends SystemTypes> {
  readonly client: MongoClient;
  /** Where callers connect to. */
  readonly uri: string;
  readonly workers: Workers<T>;
  /** Where faults are made. */
  readonly set?: ReplicaSet;
  /** What callers come over, where faults of the network are made. */
  readonly wire?: Wire;
}

export interface StormOptions<T extends SystemTypes> {
  readonly plan: StormPlan<T>;
  readonly processes: number;
  /** Calls under way at once in each process, at most. */
  readonly maxConcurrency: number;
  /** See {@link WorkerTask}. Default: true. */
  readonly isConcurrencyChosen?: boolean;
  readonly judged: JudgedStates;
  /** What goes wrong meanwhile. Needs a site with a set. Default: nothing. */
  readonly faults?: PlannedFaults;
  readonly signal: AbortSignal;
}

/** A storm that is over. */
export interface StormRun<T extends SystemTypes> {
  readonly run: Run<T>;
  /** From the first call to the last answer. */
  readonly durationMs: number;
  /** The signal ended it: calls that were under way count as crashed. */
  readonly isCutOff: boolean;
  /** What went wrong in it. */
  readonly steps: MadeFaults['steps'];
  /** When it began, by `performance.now()`. */
  readonly beganAtMs: number;
}

const NO_FAULTS: MadeFaults = { faults: [], steps: [] };

/** Between two reads of the state, so that reading does not become the load. */
const READ_PAUSE_MS = 25;
/** A round with faults goes on for longer. */
const FAULTY_READ_PAUSE_MS = 1_000;
const MAX_STATES = 20;

/**
 * Fills a fresh database, lets the callers loose, reads committed states meanwhile, and reads what is left.
 *
 * @throws the signal's reason where it fires before the callers begin, or where what is left can't be read any more
 */
export async function runStorm<T extends SystemTypes>(
  system: System<T>,
  site: StormSite<T>,
  trial: Omit<Trial, 'expected'>,
  options: StormOptions<T>,
): Promise<StormRun<T>> {
  const { client, workers } = site;
  const { plan, judged, signal, faults } = options;
  const deployment = getNamed('deployment', system.deployments, trial.deployment);
  const db = client.db(createDatabaseName('stress', { prefix: `${system.name}_` }));
  let isOver = false;
  try {
    // While the database is empty, for a flow with processes of its own rehearses then.
    const go = await workers.prepare(tasksOf(site, trial, db, options), signal);
    await system.fill(db, deployment, plan.start);
    const start = await readState(system, db, deployment);
    const { toWrite } = system;
    const witness = toWrite === undefined || judged === 'end' ? undefined : await Witness.begin(db);
    const clock = new StormClock();
    const beganAtMs = performance.now();
    let isCutOff = false;
    const faulting = faults === undefined ? NO_FAULTS : makeFaults(faults, clock, workers, signal);
    const running = go(clock.originNs).catch((error: unknown) => {
      isCutOff = signal.aborted;
      if (!isCutOff) throw error;
      return workers.cutOff();
    });
    const reading =
      judged === 'end' || witness !== undefined ? [] : readWhile(running, system, db, deployment, faults !== undefined);
    const [histories, between, made] = await Promise.all([running, reading, faulting]);
    const durationMs = clock.nowMs();
    const history = mergeHistories(histories);
    if (!isCutOff && history.operations.length < plan.calls.length)
      throw new Error(`${plan.calls.length} calls were planned, and ${history.operations.length} were made`);
    const flow = resolveFlow(system, trial);
    const late = isCutOff || flow.deadlineMs === undefined ? [] : answeredLate(history.operations, flow.deadlineMs);
    const after =
      made.faults.length === 0 || isCutOff
        ? { history, ...(late.length === 0 ? {} : { aftermath: late }) }
        : await recover(system, site, db, { clock, signal, history, made, late, flow });
    const final = await readState(system, db, deployment);
    const commits = isCutOff ? undefined : await witness?.read<T>((change) => toWrite?.(change, deployment));
    const expectedErrors = plan.expectedErrors ?? [];
    isOver = true;
    const told = { ...(commits === undefined ? {} : { commits }), ...after };
    return {
      run: { scenario: trial.scenario, start, between, final, expectedErrors, ...told },
      durationMs,
      isCutOff,
      steps: made.steps,
      beganAtMs,
    };
  } finally {
    // What a worker still writes would bring the database back.
    if (signal.aborted) await workers[Symbol.asyncDispose]();
    // What ended the storm says more. After Ctrl-C the servers may be gone before this process, for they got the signal too; then so is the database.
    await db.dropDatabase().catch((error: unknown) => {
      if (isOver && !signal.aborted) throw error;
    });
  }
}

/** The share of each process. */
const tasksOf = <T extends SystemTypes>(
  { uri }: StormSite<T>,
  trial: Omit<Trial, 'expected'>,
  { databaseName: database }: Db,
  { plan, processes, maxConcurrency, isConcurrencyChosen = true, faults }: StormOptions<T>,
): WorkerTask<T>[] => {
  const calls = faults === undefined ? plan.calls : timed(plan.calls, faults);
  return Array.from({ length: processes }, (_, process) => ({
    process,
    uri,
    database,
    trial,
    calls: calls.filter((_call, index) => index % processes === process),
    maxConcurrency,
    isConcurrencyChosen,
  }));
};

/** In this time those callers of a wave come that come one after the other: until the next wave, where that is neither soon nor late. */
const MIN_SPREAD_MS = 1_000;
const MAX_SPREAD_MS = 3_000;

const timed = <T extends SystemTypes>(
  calls: StormPlan<T>['calls'],
  { steps: waves, everyMs, randomOf }: PlannedFaults,
): TimedCall<T>[] =>
  timetable(calls, {
    waves,
    spreadMs: waves === 1 ? MAX_SPREAD_MS : Math.min(MAX_SPREAD_MS, Math.max(MIN_SPREAD_MS, everyMs)),
    random: randomOf(waves),
  });

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
  hasFault: boolean,
): Promise<T['state'][]> {
  const states: T['state'][] = [];
  const ended = new AbortController();
  const end = (): void => ended.abort();
  running.then(end, end);
  const pause = (ms: number): Promise<void> => sleep(ms, undefined, { signal: ended.signal }).catch(end);
  // The first wave of calls is not to wait for a read.
  if (hasFault) await pause(FAULTY_READ_PAUSE_MS);
  while (!ended.signal.aborted && states.length < MAX_STATES) {
    try {
      states.push(await readState(system, db, deployment));
    } catch (error) {
      // What can't be read during a fault is not judged; the state at the end is.
      if (!hasFault || !(error instanceof MongoError)) throw error;
    }
    await pause(hasFault ? FAULTY_READ_PAUSE_MS : READ_PAUSE_MS);
  }
  return states;
}
