/*
 * A worker process: has a client of its own and makes its share of a run's calls. Its argument is the module of the system. Ends
 * when its parent does.
 */
import { MongoClient } from 'mongodb';
import { ProgramError } from '../exec/program-error.ts';
import { toFailure } from '../report/failure.ts';
import type { RunnableFlow } from '../exec/program-flow.ts';
import { loadSystem } from '../trial/load-system.ts';
import type { Deployment } from '../system/system.ts';
import type { SystemTypes } from '../system/system-types.ts';
import { getNamed } from '../trial/get-named.ts';
import { resolveFlow } from '../trial/resolve-trial.ts';
import { callersName, JOURNAL_FD, type FromWorker, type Probe, type ToWorker, type WorkerTask } from './messages.ts';
import { JournalWriter } from '../history/journal.ts';
import { CallersPatience } from './callers-patience.ts';
import { LoopWatch } from './loop-watch.ts';
import { probeCalls } from './probe-calls.ts';
import { StormClock } from './storm-clock.ts';
import { runCalls, type CallsOptions } from './run-calls.ts';
import { Waves } from './waves.ts';

const MAX_POOL_SIZE = 100;

type Task = WorkerTask<SystemTypes>;

const system = await loadSystem(process.argv[2] ?? '');
const clients = new Map<string, Promise<MongoClient>>();
let prepared: Prepared | undefined;
const journal = new JournalWriter<SystemTypes>(JOURNAL_FD);
const watch = new LoopWatch();
let waves = new Waves();

interface Prepared {
  readonly task: Task;
  readonly client: MongoClient;
  readonly flow: RunnableFlow<SystemTypes>;
  readonly deployment: Deployment<SystemTypes>;
  patience: CallersPatience | undefined;
}

const send = (message: FromWorker): void => {
  process.send?.(message);
};

/** Clients are kept for the next storm. */
function connect(uri: string, options: RunnableFlow<SystemTypes>['clientOptions'] = {}): Promise<MongoClient> {
  const key = JSON.stringify([uri, options]);
  const known = clients.get(key);
  if (known !== undefined) return known;
  const client = new MongoClient(uri, { ...options, appName: callersName(system), maxPoolSize: MAX_POOL_SIZE });
  const connecting = client.connect();
  clients.set(key, connecting);
  return connecting;
}

async function prepare(task: Task, warmUp: boolean): Promise<void> {
  const { uri, database, trial, calls, maxConcurrency, isConcurrencyChosen } = task;
  const flow = resolveFlow(system, trial);
  const client = await connect(uri, flow.clientOptions);
  // After a fault some of the connections that are open lead nowhere; a find is tried again by the driver.
  const reads = Array.from({ length: warmUp ? Math.min(MAX_POOL_SIZE, calls.length) : 0 }, () =>
    client.db(database).collection('warm-up').findOne({}),
  );
  await Promise.all(reads);
  const deployment = getNamed('deployment', system.deployments, trial.deployment);
  const [service] = deployment.services;
  const count = Math.min(maxConcurrency, calls.length);
  const callsEach = (await flow.rehearse?.({ uri, database, service, count })) ?? 1;
  const concurrency = isConcurrencyChosen ? maxConcurrency : Math.max(maxConcurrency, callsEach);
  waves = new Waves();
  prepared = { task: { ...task, maxConcurrency: concurrency }, client, flow, deployment, patience: undefined };
  send({ kind: 'ready' });
}

async function go(originNs: string): Promise<void> {
  if (prepared === undefined) throw new Error('go came before prepare');
  const { task, flow } = prepared;
  const flows = open(prepared);
  const nowMs = clockOf(originNs);
  if (flow.takesPatience === true) prepared.patience = new CallersPatience(nowMs);
  const { patience } = prepared;
  const { next, recovery } = system;
  const asks = flow.operates === true && recovery?.inquiry !== undefined ? { inquiry: recovery.inquiry } : {};
  const { deadlineMs } = flow;
  await runCalls({ ...task, ...asks, flows, next, recorder: journal, nowMs, deadlineMs, watch, waves, patience });
  await settle(flows, flow);
}

/** Asks again what was not served, through flows that are opened anew. */
async function probe({ originNs, calls, maxWaitMs }: Probe<SystemTypes>): Promise<void> {
  if (prepared === undefined) throw new Error('probe came before prepare');
  const flows = open(prepared);
  const { process: number } = prepared.task;
  const { recovery } = system;
  const nowMs = clockOf(originNs);
  const { deadlineMs } = prepared.flow;
  await probeCalls({ process: number, flows, calls, maxWaitMs, recovery, recorder: journal, nowMs, deadlineMs, watch });
  await settle(flows, prepared.flow);
}

/** What goes on after the answers belongs to the run. */
async function settle(flows: CallsOptions<SystemTypes>['flows'], flow: RunnableFlow<SystemTypes>): Promise<void> {
  await Promise.all(flows.map(async ({ flow: one }) => one.idle?.()));
  await flow.end?.();
  journal.done();
}

const open = ({ task, client, flow, deployment }: Prepared): CallsOptions<SystemTypes>['flows'] => {
  const db = client.db(task.database);
  const surroundings = { gated: false, uri: task.uri };
  return deployment.services.map((service) => ({
    service: service.name,
    flow: flow.open(db, service, journal, surroundings),
  }));
};

function clockOf(originNs: string): () => number {
  const clock = new StormClock(BigInt(originNs));
  return () => clock.nowMs();
}

async function handle(message: ToWorker<SystemTypes>): Promise<void> {
  switch (message.kind) {
    case 'prepare':
      return prepare(message.task, message.warmUp);
    case 'go':
      return go(message.originNs);
    case 'wave':
      return waves.begin(message.wave, message.atMs);
    case 'mended':
      return waves.mend(message.atMs);
    case 'patience':
      return prepared?.patience?.set(message.impatience);
    case 'probe':
      return probe(message);
  }
}

process.on('message', (message: ToWorker<SystemTypes>) => {
  handle(message).catch((error: unknown) =>
    send({
      kind: 'failed',
      failure: toFailure(error),
      ...(error instanceof ProgramError ? { programError: error.message } : {}),
    }),
  );
});
process.on('disconnect', () => process.exit(0));
// Ctrl-C reaches the whole process group; the parent decides when a worker ends.
process.on('SIGINT', () => {});
