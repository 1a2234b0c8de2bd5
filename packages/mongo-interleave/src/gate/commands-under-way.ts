/**
 * A `MongoClient` of any official Node.js driver from 3.7 to 7, whatever its version and whoever brought it. Driver 3.7 needs
 * `useUnifiedTopology: true`, because its old topology reports nothing about its connections.
 */
export interface TrackableClient {
  on(event: string, listener: (...values: unknown[]) => void): unknown;
  close(): Promise<unknown>;
}

/** What all drivers tell with each event of their connection pools (CMAP specification). */
interface PoolEvent {
  /** `127.0.0.1:PORT`. */
  readonly address: string;
}

/**
 * Counts the commands that the drivers of one client have begun and not ended. A command begins when it gets a connection of the pool,
 * and ends when it gives the connection back. A command that waits for a connection does not count: others may have to end first.
 * Those for which a connection is being made are seen by the gate itself.
 */
export class CommandsUnderWay {
  readonly #counts = new Map<TrackableClient, number>();
  readonly #ended: () => void;
  #closed: Promise<unknown> | undefined;

  /** @param ended called after each command that ended */
  constructor(ended: () => void) {
    this.#ended = ended;
  }

  /** @param heard called with the address of the server (`127.0.0.1:PORT`) when a command begins */
  track(client: TrackableClient, heard: (address: string) => void): void {
    if (this.#counts.has(client)) return;
    this.#counts.set(client, 0);
    const add = (count: number): void => {
      this.#counts.set(client, Math.max(0, (this.#counts.get(client) ?? 0) + count));
    };
    client.on('connectionCheckedOut', (event) => {
      add(1);
      heard((event as PoolEvent).address);
    });
    client.on('connectionCheckedIn', () => {
      add(-1);
      this.#ended();
    });
    // What was under way when a flow closed its client will not end.
    client.on('topologyClosed', () => {
      this.#counts.set(client, 0);
      this.#ended();
    });
  }

  count(): number {
    return [...this.#counts.values()].reduce((sum, count) => sum + count, 0);
  }

  /** Closes all tracked clients, whose flows may still run. May be called more than once. */
  async close(): Promise<void> {
    this.#closed ??= Promise.all([...this.#counts.keys()].map((client) => closeForGood(client)));
    await this.#closed;
  }
}

async function closeForGood(client: TrackableClient): Promise<void> {
  const topology: unknown = Reflect.get(client, 'topology');
  await client.close();
  if (typeof topology !== 'object' || topology === null) return;
  // A closed client refuses each command at once. A flow that tries again after every error would then go round without a pause in which
  // anything else could run. So its further commands wait for a server that is never found.
  Reflect.set(topology, 'selectServer', () => new Promise(() => undefined));
  Reflect.set(client, 'topology', topology);
}
