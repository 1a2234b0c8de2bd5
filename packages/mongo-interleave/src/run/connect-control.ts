import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { MongoClient, type MongoClientOptions } from 'mongodb';
import { InterleaveError } from '../interleave-error.ts';
import { factsOf } from './error-lines.ts';
import type { InterleaveOptions } from './interleave-options.ts';

/** The driver's own limit of 30 seconds is for elections. A wrong uri should be told sooner. */
const MAX_CONNECT_MS = 3_000;
const HAS_OWN_LIMIT = /[?&]serverSelectionTimeoutMS=/i;

/** The connections of a session that was closed are gone on the server within milliseconds. */
const MAX_CLOSING_MS = 1_000;
const POLL_MS = 50;
/** Of this process, or of this thread. */
const OWN = `${process.pid}.${randomUUID()}`;

type ControlOptions = Pick<InterleaveOptions<unknown>, 'uri' | 'database' | 'clientOptions'>;

/**
 * Connects the client that goes past the gate.
 *
 * @throws InterleaveError `invalid-option` for a uri or clientOptions that the driver or the gate refuses; if no server answers within
 *   {@link MAX_CONNECT_MS}, or within `serverSelectionTimeoutMS` of the uri; and if a session of another process uses the database
 */
export async function connectControl({ uri, database, clientOptions = {} }: ControlOptions): Promise<MongoClient> {
  const control = makeClient('uri', uri, { appName: appNameOf(database) + OWN });
  makeClient('clientOptions', 'mongodb://127.0.0.1', clientOptions);
  let lastFailure: Error | undefined;
  control.on('serverHeartbeatFailed', ({ failure }) => {
    lastFailure = failure;
  });
  const limit = new AbortController();
  const connecting = control.connect().then(() => true);
  try {
    const isConnected = await (HAS_OWN_LIMIT.test(uri)
      ? connecting
      : Promise.race([connecting, delay(MAX_CONNECT_MS, false, { signal: limit.signal })]));
    if (!isConnected) throw lastFailure;
  } catch (error) {
    connecting.catch(() => undefined);
    await control.close();
    throw unreachable(control, lastFailure ?? error);
  } finally {
    limit.abort();
  }
  try {
    await expectAlone(control, database);
    return control;
  } catch (error) {
    await control.close();
    throw error;
  }
}

const appNameOf = (database: string): string => `mongo-interleave ${database} `;

/** Two processes with one database would see each other's documents, and call clean or violated what is neither. */
async function expectAlone(control: MongoClient, database: string): Promise<void> {
  const name = appNameOf(database);
  const untilMs = performance.now() + MAX_CLOSING_MS;
  for (;;) {
    const apps = await control
      .db('admin')
      .aggregate<{ readonly appName: string }>([
        { $currentOp: { allUsers: true, idleConnections: true } },
        { $match: { appName: { $gt: name, $ne: name + OWN } } },
        { $project: { appName: 1 } },
      ])
      .toArray();
    const other = apps.find(({ appName }) => appName.startsWith(name));
    if (other === undefined) return;
    if (performance.now() >= untilMs) {
      const [pid] = other.appName.slice(name.length).split('.');
      throw new InterleaveError(
        'invalid-option',
        `database: a session of another process (${pid ?? ''}) uses ${database}. Give each process a database of its own, or end the other one first.`,
      );
    }
    await delay(POLL_MS);
  }
}

/** Makes a client, which connects to nothing yet. */
function makeClient(name: string, uri: string, options: MongoClientOptions): MongoClient {
  let client: MongoClient;
  try {
    client = new MongoClient(uri, options);
  } catch (error) {
    const { message } = factsOf(error);
    throw new InterleaveError(
      'invalid-option',
      `${name}: ${message.replace(/\.$/, '')}. A uri looks like mongodb://127.0.0.1:27017.`,
      {
        cause: error,
      },
    );
  }
  const { tls, credentials } = client.options;
  if (!tls && credentials === undefined) return client;
  throw new InterleaveError(
    'invalid-option',
    `${name}: the gate needs a server without TLS and without authentication. Leave out ${tls ? 'tls' : 'user and password'}, and start such a server for the test.`,
  );
}

function unreachable({ options: { hosts, replicaSet } }: MongoClient, cause: unknown): InterleaveError {
  const what = replicaSet ? `member of the replica set ${replicaSet}` : 'server';
  const why = cause === undefined ? '' : ` (${factsOf(cause).message})`;
  return new InterleaveError(
    'invalid-option',
    `uri: no ${what} answers at ${hosts.join(', ')}${why}. Start the server, or correct the uri; serverSelectionTimeoutMS in the uri sets another limit than ${MAX_CONNECT_MS} ms.`,
    { cause },
  );
}
