import { findDockerObstacle } from '../docker/daemon.ts';
import { firstLine } from '../replica-set-error.ts';
import type { ProviderOutcome } from '../replica-set.ts';
import type { Settings } from '../settings.ts';

/** Starts all members in one container, if a Docker daemon answers. */
export async function startFromDocker(settings: Settings): Promise<ProviderOutcome> {
  const obstacle = await findDockerObstacle(settings.environment);
  if (obstacle !== undefined) return { kind: 'passed-over', reason: obstacle };
  try {
    // Imported here because loading Testcontainers takes a second.
    const { startContainerDeployment } = await import('../docker/container-deployment.ts');
    return { kind: 'running', deployment: await startContainerDeployment(settings) };
  } catch (error) {
    settings.signal?.throwIfAborted();
    return { kind: 'passed-over', reason: `image ${settings.image}: ${firstLine(error)}` };
  }
}
