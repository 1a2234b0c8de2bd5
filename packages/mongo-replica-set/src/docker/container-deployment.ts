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

const host = '127.0.0.1';
const clientTimeoutMs = 5_000;
const reachTimeoutMs = 5_000;
/** An image of 300 MB over a slow line. */
const pullTimeoutMs = 300_000;

/** All members in one container of the local daemon. Whatever goes wrong, the container is gone afterwards. */
export async function startContainerDeployment(settings: Settings): Promise<Deployment> {
  const client = await withTimeout(getContainerRuntimeClient(), clientTimeoutMs, 'the Docker daemon');
  await removeAbandonedContainers(client);
  return withFreePorts(settings.members, (ports) => startOnce(client, ports, settings));
}

async function startOnce(client: ContainerRuntimeClient, ports: number[], settings: Settings): Promise<Deployment> {
  let id: string | undefined;
  let wanted = true;
  const unregister = onProcessEnd(() => {
    if (id !== undefined) removeContainerSync(client, id);
  }, settings.endOnInterrupt);
  const stop = async (): Promise<void> => {
    wanted = false;
    if (id !== undefined) await removeContainer(client, id);
    unregister();
  };
  try {
    const container = new MembersContainer(settings.image, ports, async (created) => {
      // The pull cannot be stopped; when it ends after an abort, the container is removed before it starts.
      if (!wanted) {
        await removeContainer(client, created);
        throw new ReplicaSetError('aborted', 'The start was given up before the container was created.');
      }
      id = created;
    });
    const starting = withTimeout(container.start(), pullTimeoutMs, `a container of ${settings.image}`);
    const started = await untilAborted(starting, settings.signal);
    const members = ports.map((port, index): Member => ({ index, host, port }));
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

/** A daemon on another machine, or outside of the container in which we run, publishes ports where we don't see them. */
async function assertReachable(members: readonly Member[]): Promise<void> {
  try {
    await Promise.all(members.map((member) => askMember(member, { hello: 1 }, reachTimeoutMs)));
  } catch (error) {
    const reason = `its ports are not reachable on ${host}: ${firstLine(error)}`;
    throw new ReplicaSetError('start-failed', reason, { cause: error });
  }
}
