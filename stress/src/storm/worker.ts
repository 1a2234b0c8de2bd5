/*
 * A worker process: has a client of its own and makes its share of a run's calls. Ends when its parent does.
 */
import { MongoClient } from 'mongodb';
import type { Pool } from 'rotation-core';
import { adapters } from '../adapters.ts';
import { ProgramError } from '../subjects/exec/program-error.ts';
import { chooseSubject } from '../subjects/index.ts';
import type { Subject } from '../subjects/subject.ts';
import type { FromWorker, ToWorker, WorkerTask } from './messages.ts';
import { Recorder, runCalls } from './run-calls.ts';

const POOL_SIZE = 100;
const NANOSECONDS_PER_MILLISECOND = 1e6;

const clients = new Map<string, Promise<MongoClient>>();
let prepared: Prepared | undefined;

interface Prepared {
  readonly task: WorkerTask;
  readonly client: MongoClient;
  readonly subject: Subject;
  readonly pools: readonly [Pool, ...Pool[]];
}

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
  const pools = adapters.get(task.adapter);
  if (pools === undefined) throw new Error(`no adapter ${task.adapter}`);
  const subject = chooseSubject(task.subject);
  const { uri, database } = task;
  const count = Math.min(task.concurrency, task.calls.length);
  await subject.rehearse?.({ uri, database, pool: pools[0].name, count });
  prepared = { task, client, subject, pools };
  send({ kind: 'ready' });
}

async function go(originNs: bigint): Promise<void> {
  if (prepared === undefined) throw new Error('go came before prepare');
  const { task, client, subject, pools } = prepared;
  const recorder = new Recorder();
  const db = client.db(task.database);
  await runCalls({
    ...task,
    flows: pools.map((pool) => ({ pool: pool.name, flow: subject.open(db, pool, recorder, { uri: task.uri }) })),
    recorder,
    nowMs: () => Number(process.hrtime.bigint() - originNs) / NANOSECONDS_PER_MILLISECOND,
  });
  await subject.end?.();
  send({ kind: 'done', history: recorder.history() });
}

process.on('message', (message: ToWorker) => {
  const work = message.kind === 'prepare' ? prepare(message.task) : go(BigInt(message.originNs));
  work.catch((error: unknown) =>
    send({
      kind: 'failed',
      message: error instanceof Error ? error.message : String(error),
      isProgramError: error instanceof ProgramError,
    }),
  );
});
process.on('disconnect', () => process.exit(0));
// Ctrl-C reaches the whole process group; the parent decides when a worker ends.
process.on('SIGINT', () => {});
