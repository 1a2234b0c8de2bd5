/*
 * A worker process: has a client of its own and makes its share of a run's calls. Ends when its parent does.
 */
import { MongoClient } from 'mongodb';
import { adapters } from '../adapters.ts';
import { subjects } from '../subjects/index.ts';
import type { FromWorker, ToWorker, WorkerTask } from './messages.ts';
import { Recorder, runCalls } from './run-calls.ts';

const POOL_SIZE = 100;
const NANOSECONDS_PER_MILLISECOND = 1e6;

const clients = new Map<string, Promise<MongoClient>>();
let prepared: { readonly task: WorkerTask; readonly client: MongoClient } | undefined;

const send = (message: FromWorker): void => {
  process.send?.(message);
};

async function prepare(task: WorkerTask): Promise<void> {
  let connecting = clients.get(task.uri);
  if (connecting === undefined) {
    connecting = new MongoClient(task.uri, { appName: 'rotation-stress', maxPoolSize: POOL_SIZE }).connect();
    clients.set(task.uri, connecting);
  }
  const client = await connecting;
  // Opens the connections, so that the run measures rotations and not handshakes.
  const pings = Array.from({ length: Math.min(POOL_SIZE, task.calls.length) }, () => client.db().command({ ping: 1 }));
  await Promise.all(pings);
  prepared = { task, client };
  send({ kind: 'ready' });
}

async function go(originNs: bigint): Promise<void> {
  if (prepared === undefined) throw new Error('go came before prepare');
  const { task, client } = prepared;
  const subject = subjects.get(task.subject);
  const pools = adapters.get(task.adapter);
  if (subject === undefined || pools === undefined) throw new Error(`no subject ${task.subject} on ${task.adapter}`);
  const recorder = new Recorder();
  const db = client.db(task.database);
  await runCalls({
    ...task,
    flows: pools.map((pool) => ({ pool: pool.name, flow: subject.open(db, pool, recorder) })),
    recorder,
    nowMs: () => Number(process.hrtime.bigint() - originNs) / NANOSECONDS_PER_MILLISECOND,
  });
  send({ kind: 'done', history: recorder.history() });
}

process.on('message', (message: ToWorker) => {
  const work = message.kind === 'prepare' ? prepare(message.task) : go(BigInt(message.originNs));
  work.catch((error: unknown) =>
    send({ kind: 'failed', message: error instanceof Error ? error.message : String(error) }),
  );
});
process.on('disconnect', () => process.exit(0));
// Ctrl-C reaches the whole process group; the parent decides when a worker ends.
process.on('SIGINT', () => {});
