import type { Socket } from 'node:net';
import type { Relay } from './relay.ts';

/** The connections of one client with its port: both ends, as far as the client runs in this process. */
export class Connections {
  readonly #accepted = new Map<Socket, Relay>();
  readonly #own = new Set<Socket>();

  accepted(socket: Socket, relayed: Relay): void {
    this.#accepted.set(socket, relayed);
    socket.once('close', () => this.#accepted.delete(socket));
  }

  /** The client's end of a connection, which may not be established yet. */
  own(socket: Socket): void {
    this.#own.add(socket);
    socket.once('close', () => this.#own.delete(socket));
  }

  /**
   * Is something on its way? A connection that is being established, a handshake without an answer, or bytes that one end has written and
   * the other has not read. Of a client in another process, only what its port has begun to read is known.
   */
  get isMoving(): boolean {
    const byPort = new Map([...this.#accepted.keys()].map((socket) => [socket.remotePort, socket]));
    for (const own of this.#own) {
      if (own.destroyed) continue;
      const other = own.connecting ? undefined : byPort.get(own.localPort);
      if (other === undefined || own.bytesWritten > other.bytesRead || other.bytesWritten > own.bytesRead) return true;
    }
    return [...this.#accepted.values()].some((relayed) => relayed.isMoving());
  }

  /** Do some of the client's connections come from another process? */
  get isForeign(): boolean {
    const own = new Set([...this.#own].map(({ localPort }) => localPort));
    return [...this.#accepted.keys()].some(({ remotePort }) => !own.has(remotePort));
  }

  destroy(): void {
    for (const socket of this.#accepted.keys()) socket.destroy();
  }
}
