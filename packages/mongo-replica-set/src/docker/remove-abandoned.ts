import type { ContainerRuntimeClient } from 'testcontainers';
import { isOwnerGone, parseOwnerMark } from '../owner.ts';
import { ownerLabel, removeContainer } from './members-container.ts';

/** Removes the containers of processes that have ended without a chance to do it (SIGKILL). */
export async function removeAbandonedContainers(client: ContainerRuntimeClient): Promise<void> {
  const containers = await client.container.dockerode.listContainers({
    all: true,
    filters: JSON.stringify({ label: [ownerLabel] }),
  });
  for (const { Id, Labels } of containers) {
    const owner = parseOwnerMark(Labels[ownerLabel] ?? '');
    if (owner === undefined || !isOwnerGone(owner)) continue;
    // Another start may be removing it at this moment.
    await removeContainer(client, Id).catch(() => undefined);
  }
}
