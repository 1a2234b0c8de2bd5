import { findDockerObstacle } from '../docker/daemon.ts';
import { firstLine } from '../replica-set-error.ts';
import type { ProviderOutcome } from '../replica-set.ts';
import type { Settings } from '../settings.ts';

/** An optional peer dependency: its tree is several times as large as all the rest, and most machines start without it. */
const LIBRARY = 'testcontainers';

/** Starts all members in one container, if a Docker daemon answers and Testcontainers is installed. */
export async function startFromDocker(settings: Settings): Promise<ProviderOutcome> {
  const obstacle = await findDockerObstacle(settings.environment);
  if (obstacle !== undefined) return { kind: 'passed-over', reason: obstacle };
  if (!(await isInstalled())) {
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

async function isInstalled(): Promise<boolean> {
  try {
    await import(LIBRARY);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND') return false;
    throw error;
  }
}
