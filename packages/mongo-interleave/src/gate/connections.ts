import type { Socket } from 'node:net';
import type { Relay } from './relay.ts';

/** The client's end of a connection, as far as the gate needs to know it. A `Socket` is one. */
export interface ClientSocket {
  readonly connecting: boolean;
  readonly destroyed: boolean;
  readonly localPort?: number | undefined;
  /** The port that it connects to. Of a client in this thread undefined while it connects. */
  readonly remotePort?: number | undefined;
  readonly bytesRead: number;
  readonly bytesWritten: number;
}

/** The connections of one client with its port: both ends, as far as the client runs in this process or tells of its own. */
export class Connections {
  readonly #accepted = new Map<Socket, Relay>();
  /** The accepted sockets by the ports of both ends. */
  readonly #byPorts = new Map<string, Socket>();
  readonly #own = new Set<Socket>();
  /** Asks the threads of the client for their ends of connections. */
  readonly #asks = new Set<() => Promise<readonly ClientSocket[]>>();
  #told: readonly ClientSocket[] = [];

  accepted(socket: Socket, relayed: Relay): void {
    const ports = portsOf(socket.remotePort, socket.localPort);
    this.#accepted.set(socket, relayed);
    this.#byPorts.set(ports, socket);
    socket.once('close', () => {
      this.#accepted.delete(socket);
      if (this.#byPorts.get(ports) === socket) this.#byPorts.delete(ports);
    });
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

  /** Asks the threads of the client, if there are any. @param isOwn is this a port of the gate? A thread may connect elsewhere too */
  async ask(isOwn: (port: number | undefined) => boolean): Promise<void> {
    const told = (await Promise.all([...this.#asks].map((ask) => ask()))).flat();
    this.#told = told.filter(({ remotePort }) => isOwn(remotePort));
  }

  /**
   * Is something on its way? A connection that is being established, a handshake without an answer, or bytes that one end has written and
   * the other has not read. Of a client in another process, only what its port has begun to read is known.
   */
  get isMoving(): boolean {
    for (const own of this.#own) if (this.#isMovingAt(own)) return true;
    for (const own of this.#told) if (this.#isMovingAt(own)) return true;
    for (const relayed of this.#accepted.values()) if (relayed.isMoving()) return true;
    return false;
  }

  #isMovingAt(own: ClientSocket): boolean {
    if (own.destroyed) return false;
    const other = own.connecting ? undefined : this.#byPorts.get(portsOf(own.localPort, own.remotePort));
    return other === undefined || own.bytesWritten > other.bytesRead || other.bytesWritten > own.bytesRead;
  }

  /** Does a part of the client run in threads that have to be asked? */
  get hasThreads(): boolean {
    return this.#asks.size > 0;
  }

  /** Do some of the client's connections come from another process? */
  get isForeign(): boolean {
    const own = new Set([...this.#own, ...this.#told].map((one) => portsOf(one.localPort, one.remotePort)));
    return [...this.#byPorts.keys()].some((ports) => !own.has(ports));
  }

  /** Each connection with the port of the gate that it came to. */
  get relays(): readonly (readonly [port: number | undefined, relayed: Relay])[] {
    return [...this.#accepted].map(([{ localPort }, relayed]) => [localPort, relayed]);
  }

  destroy(): void {
    for (const socket of this.#accepted.keys()) socket.destroy();
  }
}

const portsOf = (client: number | undefined, gate: number | undefined): string => `${client} ${gate}`;
