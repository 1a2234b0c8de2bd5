import { setTimeout as delay } from 'node:timers/promises';
import { MongoClient, type MongoClientOptions } from 'mongodb';
import { InterleaveError } from '../interleave-error.ts';
import { factsOf } from './error-lines.ts';
import type { InterleaveOptions } from './interleave-options.ts';

/** The driver's own limit of 30 seconds is for elections. A wrong uri should be told sooner. */
const MAX_CONNECT_MS = 3_000;
const HAS_OWN_LIMIT = /[?&]serverSelectionTimeoutMS=/i;

/**
 * Connects the client that goes past the gate.
 *
 * @throws InterleaveError `invalid-option` for a uri or clientOptions that the driver or the gate refuses; and if no server answers within
 *   {@link MAX_CONNECT_MS}, or within `serverSelectionTimeoutMS` of the uri
 */
export async function connectControl({
  uri,
  clientOptions = {},
}: Pick<InterleaveOptions<unknown>, 'uri' | 'clientOptions'>): Promise<MongoClient> {
  const control = makeClient('uri', uri, {});
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
    if (isConnected) return control;
    throw lastFailure;
  } catch (error) {
    connecting.catch(() => undefined);
    await control.close();
    throw unreachable(control, lastFailure ?? error);
  } finally {
    limit.abort();
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
