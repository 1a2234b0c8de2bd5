import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { ReplicaSetError, firstLine } from './replica-set-error.ts';

/**
 * The ports of members lie below the ephemeral ports (from 32768 on Linux, from 49152 on macOS and Windows). A killed
 * member is restarted on its own port; an ephemeral port could be taken by an outgoing connection meanwhile.
 */
const MIN_PORT = 20_000;
const MAX_PORT = 32_000;
const MAX_PORT_TRIES = 200;

/** Another process may take a port after it was found free and before mongod listens on it. */
const MAX_STARTS = 3;

/** Calls `start` with free ports, and again with other ports when `start` fails because a port is in use. */
export async function withFreePorts<Result>(
  count: number,
  start: (ports: number[]) => Promise<Result>,
): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await start(await findFreePorts(count));
    } catch (error) {
      if (attempt === MAX_STARTS || !/already (in use|allocated)/i.test(firstLine(error))) throw error;
    }
  }
}

/** Finds `count` ports of 127.0.0.1 on which nobody listens now. */
async function findFreePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  for (let attempt = 0; attempt < MAX_PORT_TRIES && ports.size < count; attempt++) {
    const port = randomInt(MIN_PORT, MAX_PORT);
    if (await isFree(port)) ports.add(port);
  }
  if (ports.size < count) {
    throw new ReplicaSetError(
      'start-failed',
      `Fewer than ${count} free ports were found between ${MIN_PORT} and ${MAX_PORT}.`,
    );
  }
  return [...ports];
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });
}
