import { existsSync } from 'node:fs';
import { request, type RequestOptions } from 'node:http';
import { homedir, platform, userInfo } from 'node:os';
import { join } from 'node:path';
import type { Environment } from '../settings.ts';

const MAX_PING_MS = 1_000;

/**
 * Returns why Docker can't be used, or undefined if a daemon may answer. Looks where Testcontainers looks, but without
 * loading Testcontainers: on a machine without Docker this takes a millisecond instead of a second.
 */
export async function findDockerObstacle(environment: Environment): Promise<string | undefined> {
  // The settings of Testcontainers may name any daemon.
  if (existsSync(join(homedir(), '.testcontainers.properties'))) return undefined;
  const named = environment['DOCKER_HOST'];
  const endpoints = named === undefined || named === '' ? usualSockets(environment) : [endpointOf(named)];
  const answers = await Promise.all(endpoints.map(answersPing));
  if (answers.includes(true)) return undefined;
  return named === undefined || named === '' ? 'no Docker daemon answers' : `no Docker daemon answers at ${named}`;
}

function usualSockets(environment: Environment): RequestOptions[] {
  if (platform() === 'win32') return [{ socketPath: '//./pipe/docker_engine' }];
  const runtimeFolder = environment['XDG_RUNTIME_DIR'];
  const paths = [
    '/var/run/docker.sock',
    ...(runtimeFolder === undefined ? [] : [join(runtimeFolder, 'docker.sock')]),
    join(homedir(), '.docker', 'run', 'docker.sock'),
    join(homedir(), '.docker', 'desktop', 'docker.sock'),
    join('/run', 'user', String(userInfo().uid), 'docker.sock'),
  ];
  return paths.filter((path) => existsSync(path)).map((socketPath) => ({ socketPath }));
}

function endpointOf(dockerHost: string): RequestOptions {
  if (!URL.canParse(dockerHost)) return { socketPath: dockerHost };
  const { hostname, port, pathname } = new URL(dockerHost);
  return hostname === '' ? { socketPath: pathname } : { host: hostname, port };
}

function answersPing(endpoint: RequestOptions): Promise<boolean> {
  return new Promise((resolve) => {
    // Any answer counts: a daemon with TLS refuses plain HTTP, and Testcontainers can connect to it.
    const ping = request({ ...endpoint, path: '/_ping', timeout: MAX_PING_MS }, (response) => {
      response.resume();
      resolve(true);
    });
    ping.once('timeout', () => ping.destroy());
    ping.once('error', () => resolve(false));
    ping.end();
  });
}
