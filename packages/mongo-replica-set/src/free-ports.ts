import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { ReplicaSetError, firstLine } from './replica-set-error.ts';

/**
 * Below the range from which systems take the ports of outgoing connections (Linux 32768, macOS and Windows 49152):
 * a killed member must get its own port back, and one of hundreds of client connections could sit on it by then.
 */
const lowestPort = 20_000;
const highestPort = 32_000;
const attempts = 200;

/** Between finding a free port and listening on it another process may take it. */
const startAttempts = 3;

/** Starts something on free ports, once more on others when one of them was taken in between. */
export async function withFreePorts<Result>(
  count: number,
  start: (ports: number[]) => Promise<Result>,
): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await start(await findFreePorts(count));
    } catch (error) {
      if (attempt === startAttempts || !/already (in use|allocated)/i.test(firstLine(error))) throw error;
    }
  }
}

/** Finds `count` different ports of 127.0.0.1 on which nobody listens. Another process may still be faster. */
async function findFreePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  for (let attempt = 0; attempt < attempts && ports.size < count; attempt++) {
    const port = randomInt(lowestPort, highestPort);
    if (await isFree(port)) ports.add(port);
  }
  if (ports.size < count) {
    throw new ReplicaSetError('start-failed', `No ${count} free ports between ${lowestPort} and ${highestPort}.`);
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
