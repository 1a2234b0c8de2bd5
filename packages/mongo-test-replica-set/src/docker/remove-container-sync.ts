import { spawnSync } from 'node:child_process';
import type { ContainerRuntimeClient } from 'testcontainers';

const MAX_REMOVE_MS = 10_000;

/** Run by a second Node.js process, for which an exit handler can wait. The docker command may not be installed. */
const REMOVE_SCRIPT = `
  const { endpoint, id } = JSON.parse(process.argv[1]);
  require('node:http').request({ ...endpoint, method: 'DELETE', path: '/containers/' + id + '?force=true&v=true' }).end();
`;

/**
 * Removes a container from an exit handler. Can't reach a daemon with TLS; the next start then removes the container.
 */
export function removeContainerSync(client: ContainerRuntimeClient, id: string): void {
  const endpoint = endpointOf(client.container.dockerode.modem);
  spawnSync(process.execPath, ['-e', REMOVE_SCRIPT, JSON.stringify({ endpoint, id })], {
    timeout: MAX_REMOVE_MS,
    stdio: 'ignore',
  });
}

/** The types of the client lack the address of its daemon. */
function endpointOf(modem: object): Record<string, unknown> {
  if ('socketPath' in modem && modem.socketPath !== undefined) return { socketPath: modem.socketPath };
  return { host: 'host' in modem ? modem.host : undefined, port: 'port' in modem ? modem.port : undefined };
}
