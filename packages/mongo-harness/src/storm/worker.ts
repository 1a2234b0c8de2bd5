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
import type { FromWorker, ToWorker, WorkerTask } from './messages.ts';
import { Recorder } from '../history/recorder.ts';
import { runCalls } from './run-calls.ts';

const MAX_POOL_SIZE = 100;
const NANOSECONDS_PER_MILLISECOND = 1e6;

type Task = WorkerTask<SystemTypes>;

const system = await loadSystem(process.argv[2] ?? '');
const clients = new Map<string, Promise<MongoClient>>();
let prepared: Prepared | undefined;
let recorder = new Recorder<SystemTypes>();

interface Prepared {
  readonly task: Task;
  readonly client: MongoClient;
  readonly flow: RunnableFlow<SystemTypes>;
  readonly deployment: Deployment<SystemTypes>;
}

const send = (message: FromWorker<SystemTypes>): void => {
  process.send?.(message);
};

async function prepare(task: Task): Promise<void> {
  const { uri, database, trial, calls, maxConcurrency, isConcurrencyChosen } = task;
  let connecting = clients.get(uri);
  if (connecting === undefined) {
    connecting = new MongoClient(uri, { appName: `${system.name}-stress`, maxPoolSize: MAX_POOL_SIZE }).connect();
    clients.set(uri, connecting);
  }
  const client = await connecting;
  // Opens the connections, so that the run measures the flow and not handshakes.
  const pings = Array.from({ length: Math.min(MAX_POOL_SIZE, calls.length) }, () => client.db().command({ ping: 1 }));
  await Promise.all(pings);
  const deployment = getNamed('deployment', system.deployments, trial.deployment);
  const flow = resolveFlow(system, trial);
  const [service] = deployment.services;
  const count = Math.min(maxConcurrency, calls.length);
  const callsEach = (await flow.rehearse?.({ uri, database, service, count })) ?? 1;
  const concurrency = isConcurrencyChosen ? maxConcurrency : Math.max(maxConcurrency, callsEach);
  prepared = { task: { ...task, maxConcurrency: concurrency }, client, flow, deployment };
  send({ kind: 'ready' });
}

async function go(originNs: bigint): Promise<void> {
  if (prepared === undefined) throw new Error('go came before prepare');
  const { task, client, flow, deployment } = prepared;
  recorder = new Recorder<SystemTypes>();
  const db = client.db(task.database);
  const surroundings = { gated: false, uri: task.uri };
  const flows = deployment.services.map((service) => ({
    service: service.name,
    flow: flow.open(db, service, recorder, surroundings),
  }));
  await runCalls({
    ...task,
    flows,
    next: system.next,
    recorder,
    nowMs: () => Number(process.hrtime.bigint() - originNs) / NANOSECONDS_PER_MILLISECOND,
  });
  // What goes on after the answers belongs to the run.
  await Promise.all(flows.map(async ({ flow: one }) => one.idle?.()));
  await flow.end?.();
  stop();
}

const stop = (): void => send({ kind: 'done', history: recorder.history('ms') });

async function handle(message: ToWorker<SystemTypes>): Promise<void> {
  switch (message.kind) {
    case 'prepare':
      return prepare(message.task);
    case 'go':
      return go(BigInt(message.originNs));
    case 'stop':
      return stop();
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
