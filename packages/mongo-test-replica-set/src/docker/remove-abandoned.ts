import type { ContainerRuntimeClient } from 'testcontainers';
import { isOwnerGone, parseOwnerMark } from '../owner.ts';
import { OWNER_LABEL, removeContainer } from './members-container.ts';

/**
 * Removes the containers of processes that have ended: a process that was killed with SIGKILL could not remove its own.
 */
export async function removeAbandonedContainers(client: ContainerRuntimeClient): Promise<void> {
  const containers = await client.container.dockerode.listContainers({
    all: true,
    filters: JSON.stringify({ label: [OWNER_LABEL] }),
  });
  for (const { Id, Labels } of containers) {
    const owner = parseOwnerMark(Labels[OWNER_LABEL] ?? '');
    if (owner === undefined || !isOwnerGone(owner)) continue;
    // Another start may be removing the same container.
    await removeContainer(client, Id).catch(() => undefined);
  }
}
