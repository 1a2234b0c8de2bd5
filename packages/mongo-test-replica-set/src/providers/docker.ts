import { createRequire } from 'node:module';
import { findDockerObstacle } from '../docker/daemon.ts';
import { firstLine } from '../replica-set-error.ts';
import type { ProviderOutcome } from '../replica-set.ts';
import type { Settings } from '../settings.ts';

/** An optional peer dependency: it brings six times as many packages as all the rest, and most machines start without Docker. */
const LIBRARY = 'testcontainers';

/** Starts all members in one container, if a Docker daemon answers and Testcontainers is installed. */
export async function startFromDocker(settings: Settings): Promise<ProviderOutcome> {
  const obstacle = await findDockerObstacle(settings.environment);
  if (obstacle !== undefined) return { kind: 'passed-over', reason: obstacle };
  if (!isInstalled()) {
    return { kind: 'passed-over', reason: `${LIBRARY} is not installed: npm install --save-dev ${LIBRARY}` };
  }
  try {
    // Imported here because loading Testcontainers takes a second.
    const { startContainerDeployment } = await import('../docker/container-deployment.ts');
    return { kind: 'running', deployment: await startContainerDeployment(settings) };
  } catch (error) {
    settings.signal?.throwIfAborted();
    return { kind: 'passed-over', reason: `image ${settings.image}: ${firstLine(error)}` };
  }
}

function isInstalled(): boolean {
  try {
    createRequire(import.meta.url).resolve(LIBRARY);
    return true;
  } catch {
    return false;
  }
}
