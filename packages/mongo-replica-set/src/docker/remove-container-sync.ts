import { spawnSync } from 'node:child_process';
import type { ContainerRuntimeClient } from 'testcontainers';

const removeTimeoutMs = 10_000;

/** Asks the daemon from a second Node.js, because an exit handler cannot wait for an answer; the docker command may be missing. */
const script = `
  const { endpoint, id } = JSON.parse(process.argv[1]);
  require('node:http').request({ ...endpoint, method: 'DELETE', path: '/containers/' + id + '?force=true&v=true' }).end();
`;

/** For exit handlers. A daemon behind TLS is not reached; then the next start removes the container. */
export function removeContainerSync(client: ContainerRuntimeClient, id: string): void {
  const endpoint = endpointOf(client.container.dockerode.modem);
  spawnSync(process.execPath, ['-e', script, JSON.stringify({ endpoint, id })], {
    timeout: removeTimeoutMs,
    stdio: 'ignore',
  });
}

/** The connection's data are not part of the client's types. */
function endpointOf(modem: object): Record<string, unknown> {
  if ('socketPath' in modem && modem.socketPath !== undefined) return { socketPath: modem.socketPath };
  return { host: 'host' in modem ? modem.host : undefined, port: 'port' in modem ? modem.port : undefined };
}
