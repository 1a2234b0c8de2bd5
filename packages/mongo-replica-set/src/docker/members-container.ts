import { GenericContainer, Wait, type ContainerRuntimeClient } from 'testcontainers';
import { createOwnerMark } from '../owner.ts';

/** Marks the containers of this package; the value is an owner mark. */
export const ownerLabel = 'mongo-replica-set.owner';
/** In the container: one folder per member, in memory. */
export const containerDataFolder = '/replica-set';

const startTimeoutMs = 30_000;
const readyText = 'ready for members';
/** Process 1 does nothing but reap the children of killed members; the members come and go by `exec`. */
const waitForever = `echo ${readyText}; while true; do sleep 3600 & wait $!; done`;

/**
 * The one container that holds all members. Ports are equal inside and outside, so that `127.0.0.1:PORT` is right for
 * the driver and for the members among themselves, and are bound to the loopback address only.
 */
export class MembersContainer extends GenericContainer {
  readonly #onCreated: (id: string) => Promise<void>;

  /** @param onCreated gets the container's id before the container starts; what it throws ends the start */
  constructor(image: string, ports: readonly number[], onCreated: (id: string) => Promise<void>) {
    super(image);
    this.#onCreated = onCreated;
    this.withExposedPorts(...ports.map((port) => ({ container: port, host: port })));
    for (const bindings of Object.values<{ HostIp?: string }[]>(this.hostConfig.PortBindings)) {
      for (const binding of bindings) binding.HostIp = '127.0.0.1';
    }
    this.withEntrypoint(['sh', '-c', waitForever]);
    this.withCommand([]);
    this.withTmpFs({ [containerDataFolder]: 'rw' });
    this.withLabels({ [ownerLabel]: createOwnerMark() });
    this.withWaitStrategy(Wait.forLogMessage(readyText));
    this.withStartupTimeout(startTimeoutMs);
    // The library's cleaning container is one more image to pull; we clean up ourselves, by the label.
    this.withAutoCleanup(false);
  }

  protected override containerCreated(id: string): Promise<void> {
    return this.#onCreated(id);
  }
}

/** Removes a container, running or not, and its anonymous volumes. One that is gone or going is as good as removed. */
export async function removeContainer(client: ContainerRuntimeClient, id: string): Promise<void> {
  try {
    await client.container.getById(id).remove({ force: true, v: true });
  } catch (error) {
    const status = error instanceof Error && 'statusCode' in error ? error.statusCode : undefined;
    if (status !== 404 && status !== 409) throw error;
  }
}
