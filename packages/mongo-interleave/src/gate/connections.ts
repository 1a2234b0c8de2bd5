import type { Socket } from 'node:net';
import type { Relay } from './relay.ts';

/** The client's end of a connection, as far as the gate needs to know it. A `Socket` is one. */
export interface ClientSocket {
  readonly connecting: boolean;
  readonly destroyed: boolean;
  readonly localPort?: number | undefined;
  readonly bytesRead: number;
  readonly bytesWritten: number;
}

/** The connections of one client with its port: both ends, as far as the client runs in this process or tells of its own. */
export class Connections {
  readonly #accepted = new Map<Socket, Relay>();
  readonly #own = new Set<Socket>();
  /** Asks the threads of the client for their ends of connections. */
  readonly #asks = new Set<() => Promise<readonly ClientSocket[]>>();
  #told: readonly ClientSocket[] = [];

  accepted(socket: Socket, relayed: Relay): void {
    this.#accepted.set(socket, relayed);
    socket.once('close', () => this.#accepted.delete(socket));
  }

  /** The client's end of a connection, which may not be established yet. */
  own(socket: Socket): void {
    this.#own.add(socket);
    socket.once('close', () => this.#own.delete(socket));
  }

  /** @param ask answers after everything that the thread has read has had its effect; never after the thread has ended */
  remote(ask: () => Promise<readonly ClientSocket[]>): void {
    this.#asks.add(ask);
  }

  /** Asks the threads of the client, if there are any. */
  async ask(): Promise<void> {
    if (this.#asks.size === 0) return;
    this.#told = (await Promise.all([...this.#asks].map((ask) => ask()))).flat();
  }

  /**
   * Is something on its way? A connection that is being established, a handshake without an answer, or bytes that one end has written and
   * the other has not read. Of a client in another process, only what its port has begun to read is known.
   */
  get isMoving(): boolean {
    const byPort = new Map([...this.#accepted.keys()].map((socket) => [socket.remotePort, socket]));
    for (const own of [...this.#own, ...this.#told]) {
      if (own.destroyed) continue;
      const other = own.connecting ? undefined : byPort.get(own.localPort);
      if (other === undefined || own.bytesWritten > other.bytesRead || other.bytesWritten > own.bytesRead) return true;
    }
    return [...this.#accepted.values()].some((relayed) => relayed.isMoving());
  }

  /** Do some of the client's connections come from another process? */
  get isForeign(): boolean {
    const own = new Set([...this.#own, ...this.#told].map(({ localPort }) => localPort));
    return [...this.#accepted.keys()].some(({ remotePort }) => !own.has(remotePort));
  }

  destroy(): void {
    for (const socket of this.#accepted.keys()) socket.destroy();
  }
}
