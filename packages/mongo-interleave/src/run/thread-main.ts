import type { Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { parentPort, workerData } from 'node:worker_threads';
import { MongoClient } from 'mongodb';
import type { ClientSocket } from '../gate/connections.ts';
import { watchOwnSockets } from '../gate/own-sockets.ts';
import { readClock } from './clock.ts';
import type { Answer, FlowModule, Question, ThreadClient, ThreadData } from './in-threads.ts';

/* What runs in the thread of one client: the flow of a module, and the answers to the gate's questions. */

/** After so many turns of the event loop the gate is told of a thread that is still busy, and asks again. */
const MAX_BUSY_TURNS = 1_000;

const { flowModule, uri, database, clientOptions, index, letter } = workerData as ThreadData;
/** With the ports that they connect to: after a failover the client connects to another port of the gate. */
const sockets = new Map<Socket, number>();
watchOwnSockets((socket, port) => {
  sockets.set(socket, port);
  socket.once('close', () => sockets.delete(socket));
});

const mongo = new MongoClient(uri, clientOptions);
const db = mongo.db(database);
const clientIn = (life: number): ThreadClient => ({
  index,
  letter,
  life,
  uri,
  mongo,
  // The sockets of all clients in this thread are seen, and end with it.
  track: (client) => client,
  now: () => readClock(mongo, database),
});

let loaded: FlowModule<unknown, unknown> | undefined;
let prepared: unknown;

async function answer({ kind, life }: Question): Promise<unknown> {
  if (kind === 'sockets') return socketsWhenStill();
  if (kind === 'prepare') {
    loaded = (await import(flowModule)) as FlowModule<unknown, unknown>;
    await mongo.connect();
    prepared = await loaded.prepare?.(clientIn(life), db);
    return undefined;
  }
  return loaded?.flow(clientIn(life), db, prepared);
}

/** Tells of the sockets when nothing has happened to them for two turns: then all that was read has had its effect. */
async function socketsWhenStill(): Promise<readonly ClientSocket[]> {
  let before = socketsNow();
  for (let turns = 0; turns < MAX_BUSY_TURNS; turns += 2) {
    await setImmediate();
    await setImmediate();
    const now = socketsNow();
    if (isDeepStrictEqual(before, now)) break;
    before = now;
  }
  return before;
}

const socketsNow = (): ClientSocket[] =>
  [...sockets].map(([{ connecting, destroyed, localPort, bytesRead, bytesWritten }, remotePort]) => ({
    connecting,
    destroyed,
    localPort,
    remotePort,
    bytesRead,
    bytesWritten,
  }));

parentPort?.on('message', (question: Question) => {
  const { id } = question;
  const reply = (message: Answer): void => parentPort?.postMessage(message);
  answer(question).then(
    (value) => reply({ id, value }),
    (error: unknown) =>
      reply({ id, error, fields: error instanceof Error ? Object.assign({ name: error.name }, error) : {} }),
  );
});
