import { GenericContainer, Wait, type ContainerRuntimeClient } from 'testcontainers';
import { createOwnerMark } from '../owner.ts';

/** The label of every container of this package. Its value is an owner mark. */
export const OWNER_LABEL = 'mongo-test-replica-set.owner';
/** The folder in the container, on tmpfs, that holds a data folder for each member. */
export const CONTAINER_DATA_FOLDER = '/replica-set';

const MAX_START_MS = 30_000;
const READY_TEXT = 'ready for members';
/** The container's process 1. It reaps killed members, which are started by `exec`. */
const WAIT_FOREVER = `echo ${READY_TEXT}; while true; do sleep 3600 & wait $!; done`;

/**
 * A container that runs all members. Each port is published under its own number, so that `127.0.0.1:PORT` leads both
 * the driver and the other members to a member. Ports are published on the loopback address only.
 */
export class MembersContainer extends GenericContainer {
  readonly #onCreated: (id: string) => Promise<void>;

  /** @param onCreated gets the container's id before the container starts; the start fails with what it throws */
  constructor(image: string, ports: readonly number[], onCreated: (id: string) => Promise<void>) {
    super(image);
    this.#onCreated = onCreated;
    this.withExposedPorts(...ports.map((port) => ({ container: port, host: port })));
    for (const published of Object.values<{ HostIp?: string }[]>(this.hostConfig.PortBindings)) {
      for (const address of published) address.HostIp = '127.0.0.1';
    }
    this.withEntrypoint(['sh', '-c', WAIT_FOREVER]);
    this.withCommand([]);
    this.withTmpFs({ [CONTAINER_DATA_FOLDER]: 'rw' });
    this.withLabels({ [OWNER_LABEL]: createOwnerMark() });
    this.withWaitStrategy(Wait.forLogMessage(READY_TEXT));
    this.withStartupTimeout(MAX_START_MS);
    // The library's clean-up container is another image to pull. Abandoned containers are found by their label instead.
    this.withAutoCleanup(false);
  }

  protected override containerCreated(id: string): Promise<void> {
    return this.#onCreated(id);
  }
}

/**
 * Removes a container, running or not, and its anonymous volumes. Succeeds if the container is already removed or being
 * removed.
 */
export async function removeContainer(client: ContainerRuntimeClient, id: string): Promise<void> {
  try {
    await client.container.getById(id).remove({ force: true, v: true });
  } catch (error) {
    const status = error instanceof Error && 'statusCode' in error ? error.statusCode : undefined;
    if (status !== 404 && status !== 409) throw error;
  }
}
