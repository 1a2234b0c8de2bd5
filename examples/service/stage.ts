import { fork, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { BackupDocument, BindingDocument, KeyDocument } from 'keypool';
import { createDatabaseName } from 'mongo-test-replica-set';
import { MongoClient, type Db } from 'mongodb';
import type { Listening } from './http-program.ts';
import { pool } from './pool.ts';
import type { Call, Orders } from './upstream.ts';

/* Everything that runs: a database with keys, the upstream, and the proxy in three processes. */

export const KEY_IDS: readonly string[] = ['k1', 'k2', 'k3', 'k4'];
export const PROCESSES = 3;
export const BACKUPS = 20;

/** What the proxy reaches the database with: proxy-on-mongodb.ts, proxy-on-mongoose.ts. */
export const PROXY_NAMES = ['mongodb', 'mongoose'] as const;
export type ProxyName = (typeof PROXY_NAMES)[number];

const MAX_START_MS = 20_000;
const MAX_REQUEST_MS = 60_000;

/** What a client of the proxy got. */
export interface ClientAnswer {
  readonly status: number;
  /** The header `Retry-After`, in seconds. */
  readonly retryAfter: number | undefined;
}

/** A call that the upstream answered, with the id of the key instead of its secret. */
export interface LoggedCall {
  readonly keyId: string;
  readonly status: number;
}

export interface Stage extends AsyncDisposable {
  readonly db: Db;
  /** Sends so many requests at once, in turn to each process and for each of these proxy ids. */
  send(count: number, proxyIds: readonly string[]): Promise<ClientAnswer[]>;
  /** Tells the upstream what to answer; keys are named by their ids. */
  order(orders: Orders): Promise<void>;
  /** How many calls wait at the upstream. */
  held(): Promise<number>;
  /** All calls that the upstream answered, in their order. */
  calls(): Promise<LoggedCall[]>;
}

export interface StageOptions {
  /** A replica set; the database of the stage is created there, and dropped at the end. */
  readonly uri: string;
  readonly proxy: ProxyName;
  /** Where the proxies write what they log. */
  readonly output: 'inherit' | 'ignore';
  readonly signal: AbortSignal;
}

/** Each key is bound to two proxy ids: k1 to `k1-a` and `k1-b`. */
export const proxyIdsOf = (keyId: string): readonly string[] => [`${keyId}-a`, `${keyId}-b`];

/** Ends all processes and drops the database when it is disposed of. */
export async function openStage({ uri, proxy, output, signal }: StageOptions): Promise<Stage> {
  await using opened = new AsyncDisposableStack();
  const client = opened.use(new MongoClient(uri, { appName: 'stage' }));
  const db = client.db(createDatabaseName('example', { prefix: 'rotation_' }));
  opened.defer(async () => void (await db.dropDatabase()));
  const secrets = await fill(db);

  const start = (file: string, variables: NodeJS.ProcessEnv): Promise<string> => {
    const child = fork(fileURLToPath(new URL(file, import.meta.url)), {
      env: { ...process.env, ...variables },
      execArgv: [],
      stdio: ['ignore', output, 'inherit', 'ipc'],
    });
    opened.defer(() => end(child));
    return listening(child, file, signal);
  };
  const upstream = await start('upstream.ts', {});
  const variables = { MONGODB_URI: uri, DATABASE: db.databaseName, UPSTREAM_URL: upstream };
  const proxies = await Promise.all(Array.from({ length: PROCESSES }, () => start(`proxy-on-${proxy}.ts`, variables)));

  const request = (url: string, init: RequestInit = {}): Promise<Response> =>
    fetch(url, { ...init, signal: AbortSignal.any([signal, AbortSignal.timeout(MAX_REQUEST_MS)]) });
  const post = (url: string, body: unknown): Promise<Response> =>
    request(url, { method: 'POST', body: JSON.stringify(body) });
  const order = async ({ keys = {}, ...orders }: Orders): Promise<void> => {
    const bySecret = Object.entries(keys).map(([keyId, status]) => [secrets.get(keyId), status]);
    await (await post(`${upstream}/admin`, { ...orders, keys: Object.fromEntries(bySecret) })).text();
  };
  await order({ keys: Object.fromEntries([...secrets.keys()].map((keyId) => [keyId, 200])) });
  const idOf = new Map([...secrets].map(([id, apiKey]) => [apiKey, id]));

  const closing = opened.move();
  return {
    db,
    order,
    send: (count, proxyIds) =>
      Promise.all(
        Array.from({ length: count }, async (_, index) => {
          const proxyId = proxyIds[index % proxyIds.length];
          const response = await post(`${proxies[index % PROCESSES]}/${proxyId}`, { prompt: 'Good morning?' });
          await response.text();
          const seconds = response.headers.get('retry-after');
          return { status: response.status, retryAfter: seconds === null ? undefined : Number(seconds) };
        }),
      ),
    held: async () => Number(await (await request(`${upstream}/admin/held`)).text()),
    calls: async () => {
      const log = (await (await request(`${upstream}/admin/log`)).json()) as readonly Call[];
      return log.map(({ apiKey, status }) => ({ keyId: idOf.get(apiKey) ?? 'unknown', status }));
    },
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
}

/** @returns the secrets of the keys and the backups, by their ids */
async function fill(db: Db): Promise<ReadonlyMap<string, string>> {
  const backupIds = Array.from({ length: BACKUPS }, (_, index) => `b${index + 1}`);
  const secrets = new Map([...KEY_IDS, ...backupIds].map((id) => [id, `made-up-${randomBytes(16).toString('hex')}`]));
  const documentOf = (_id: string) => ({ _id, apiKey: secrets.get(_id) ?? '', createdAt: new Date() });
  const { keys, backups, bindings } = pool.collections;
  await db.collection<KeyDocument>(keys).insertMany(KEY_IDS.map((id) => ({ ...documentOf(id), status: 'healthy' })));
  await db
    .collection<BackupDocument>(backups)
    .insertMany(backupIds.map((id) => ({ ...documentOf(id), isUsed: false })));
  await db.collection<BindingDocument>(bindings).insertMany(
    KEY_IDS.flatMap((keyId) =>
      proxyIdsOf(keyId).map((proxyId) => ({
        proxyId,
        [pool.bindingKeyField]: keyId,
        priority: 1,
        isActive: true,
        createdAt: new Date(),
      })),
    ),
  );
  return secrets;
}

/** @returns the URL of the program, once it listens */
async function listening(child: ChildProcess, file: string, signal: AbortSignal): Promise<string> {
  const message = once(child, 'message', { signal: AbortSignal.any([signal, AbortSignal.timeout(MAX_START_MS)]) });
  const ended = once(child, 'exit').then(() => Promise.reject(new Error(`${file} ended before it listened`)));
  const [{ url }] = (await Promise.race([message, ended])) as [Listening];
  return url;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill();
  await exited;
}
