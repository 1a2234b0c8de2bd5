import { getContainerRuntimeClient, type ContainerRuntimeClient } from 'testcontainers';
import { askMember } from '../ask.ts';
import { untilAborted, withTimeout } from '../bounded.ts';
import { withFreePorts } from '../free-ports.ts';
import { initiateReplicaSet, uriOf } from '../initiate.ts';
import { onProcessEnd } from '../last-resort.ts';
import { ReplicaSetError, firstLine } from '../replica-set-error.ts';
import type { Deployment, Member } from '../replica-set.ts';
import type { Settings } from '../settings.ts';
import { controlContainerMembers } from './container-members.ts';
import { MembersContainer, removeContainer } from './members-container.ts';
import { removeAbandonedContainers } from './remove-abandoned.ts';
import { removeContainerSync } from './remove-container-sync.ts';

const HOST = '127.0.0.1';
const MAX_CLIENT_MS = 5_000;
const MAX_REACH_MS = 5_000;
/** Includes the pull of an image of 300 MB over a slow connection. */
const MAX_PULL_MS = 300_000;

/** Starts all members in one container of the local Docker daemon. A failed start leaves no container. */
export async function startContainerDeployment(settings: Settings): Promise<Deployment> {
  const client = await withTimeout(getContainerRuntimeClient(), MAX_CLIENT_MS, 'the Docker daemon');
  await removeAbandonedContainers(client);
  return withFreePorts(settings.members, (ports) => startOnce(client, ports, settings));
}

async function startOnce(client: ContainerRuntimeClient, ports: number[], settings: Settings): Promise<Deployment> {
  let id: string | undefined;
  let stopped = false;
  const unregister = onProcessEnd(() => {
    if (id !== undefined) removeContainerSync(client, id);
  }, settings.endOnInterrupt);
  const stop = async (): Promise<void> => {
    stopped = true;
    if (id !== undefined) await removeContainer(client, id);
    unregister();
  };
  try {
    const container = new MembersContainer(settings.image, ports, async (created) => {
      // An abort during the pull can't stop the pull: the container that it leads to is removed before it starts.
      if (stopped) {
        await removeContainer(client, created);
        throw new ReplicaSetError('aborted', 'The start was given up before the container was created.');
      }
      id = created;
    });
    const starting = withTimeout(container.start(), MAX_PULL_MS, `a container of ${settings.image}`);
    const started = await untilAborted(starting, settings.signal);
    const members = ports.map((port, index): Member => ({ index, host: HOST, port }));
    const control = controlContainerMembers(started, settings);
    const launching = Promise.all(members.map((member) => control.restart(member)));
    await untilAborted(launching, settings.signal);
    await assertReachable(members);
    const serverVersion = await initiateReplicaSet(members, settings);
    return { uri: uriOf(members), serverVersion, storage: 'tmpfs', mongod: undefined, members, control, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/**
 * A daemon on another machine, or outside the container of this process, publishes ports that this process can't reach.
 */
async function assertReachable(members: readonly Member[]): Promise<void> {
  try {
    await Promise.all(members.map((member) => askMember(member, { hello: 1 }, MAX_REACH_MS)));
  } catch (error) {
    const reason = `its ports are not reachable on ${HOST}: ${firstLine(error)}`;
    throw new ReplicaSetError('start-failed', reason, { cause: error });
  }
}
