import { createServer, type Server, type Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { expectAboveZero } from '../expect-above-zero.ts';
import { InterleaveError } from '../interleave-error.ts';
import { relay, type Reply, type ServerAddress, type Waiting } from './relay.ts';

/** A command at the gate. */
export interface HeldCommand {
  /** 0 to n-1. */
  readonly client: number;
  /** Counts the commands of this client since it entered, from 0, in the order in which it sent them. */
  readonly index: number;
  readonly name: string;
  /** The whole command, document sequences included. May hold credentials. */
  readonly body: Waiting['body'];
}

export interface GateOptions {
  /** The server that all clients are let through to: the primary of a set. */
  readonly server: ServerAddress;
  /** Logical clients, 1 to 26; each gets a port of its own. */
  readonly clients: number;
  /** Watchdog of a single wait, in milliseconds. Default 10,000. It fails a run and never decides one. */
  readonly waitLimitMs?: number;
  /** Asked while the server is long in answering a command: what it waits for, where that is certain. The run is then given up. */
  readonly explainWait?: (command: HeldCommand) => Promise<string | undefined>;
}

interface LogicalClient {
  readonly server: Server;
  readonly sockets: Set<Socket>;
  readonly held: Map<HeldCommand, Waiting>;
  readonly arrived: Waiting[];
  live: boolean;
  settled: boolean;
  /** It crashed: what it sends goes nowhere. */
  frozen: boolean;
  /** Only goodbyes pass. */
  retired: boolean;
  sent: number;
  underWay: () => number;
}

/** One wait; cheaper than an AbortSignal, of which a run needs dozens. */
interface Wait {
  isOver: boolean;
}

/** A client that crashed, and still waits for a reply. */
export interface FrozenClient {
  /** Lets its connections end. To be called before the frozen client is closed, see {@link Gate.retire}. */
  retire(): void;
  /** Closes its port and connections; after the client was closed. */
  close(): Promise<void>;
}

const MAX_CLIENTS = 26;
export const DEFAULT_WAIT_LIMIT_MS = 10_000;
/** A server that only is slow is not asked more often than this. */
const EXPLAIN_PAUSE_MS = 500;

/** The letter of a client in tokens and traces: `A` is client 0. */
export const clientLetter = (client: number): string => String.fromCodePoint(65 + client);

/**
 * Opens a loopback port for each logical client. Commands of a client that has entered wait there until they are
 * released; everything else passes (see {@link Gate.enter}).
 *
 * @throws InterleaveError `invalid-option`
 */
export async function openGate(options: GateOptions): Promise<Gate> {
  const { clients, waitLimitMs = DEFAULT_WAIT_LIMIT_MS } = options;
  if (!Number.isInteger(clients) || clients < 1 || clients > MAX_CLIENTS) {
    throw new InterleaveError('invalid-option', `clients is an integer from 1 to ${MAX_CLIENTS}, not ${clients}.`);
  }
  expectAboveZero({ waitLimitMs });
  const gate = new Gate(options.server, waitLimitMs, options.explainWait);
  try {
    for (let client = 0; client < clients; client++) await gate.open(client);
  } catch (error) {
    await gate.close();
    throw error;
  }
  return gate;
}

/** One proxy on the wire for each logical client; the order in which their commands reach the server is the caller's. */
export class Gate implements AsyncDisposable {
  readonly #address: ServerAddress;
  readonly #waitLimitMs: number;
  readonly #explainWait: GateOptions['explainWait'];
  readonly #clients: LogicalClient[] = [];
  #failure: InterleaveError | undefined;
  #changed: PromiseWithResolvers<void> = Promise.withResolvers();

  /** Use {@link openGate}. */
  constructor(address: ServerAddress, waitLimitMs: number, explainWait: GateOptions['explainWait']) {
    this.#address = address;
    this.#explainWait = explainWait;
    this.#waitLimitMs = waitLimitMs;
  }

  /** Opens a client's port, a fresh one when it had one. Called by {@link openGate}. */
  async open(index: number): Promise<void> {
    const server = createServer((socket) => this.#accept(client, socket));
    const client: LogicalClient = {
      server,
      sockets: new Set(),
      held: new Map(),
      arrived: [],
      live: false,
      settled: false,
      frozen: false,
      retired: false,
      sent: 0,
      underWay: () => 0,
    };
    this.#clients[index] = client;
    const listening = Promise.withResolvers<void>();
    server.once('error', listening.reject);
    server.listen(0, '127.0.0.1', listening.resolve);
    await listening.promise;
  }

  /**
   * The client is gone as if its process were: it gets no further reply, and nothing that it sends goes on. It is frozen rather than told
   * of an error, for an error would run its `catch` and `finally`. A fresh port takes the place of its own.
   */
  async crash(index: number): Promise<FrozenClient> {
    const client = this.#client(index);
    Object.assign(client, { frozen: true, live: false });
    client.held.clear();
    client.arrived.splice(0);
    await this.open(index);
    return { retire: () => void (client.retired = true), close: () => closePort(client) };
  }

  /** How `client` reaches the server: `mongodb://127.0.0.1:PORT/?directConnection=true`, and an `appName` of its own. */
  uri(client: number): string {
    const address = this.#client(client).server.address();
    if (address === null || typeof address === 'string') throw new InterleaveError('stopped', 'The gate is closed.');
    return `mongodb://127.0.0.1:${address.port}/?directConnection=true&appName=gate-${address.port}`;
  }

  /** What the gate could not read, if anything; it can't be used any more then. */
  get failure(): InterleaveError | undefined {
    return this.#failure;
  }

  /**
   * From now on commands of `client` are held, until the promise that `flow` returns is settled and none of its
   * commands is left.
   *
   * @param underWay how many commands the client has begun and not ended, where that is known. Without it, a client
   *   that sends several at once may be taken for ready when only the first has arrived. Call {@link Gate.look} when it changes.
   * @returns what `flow` returns
   */
  async enter<T>(client: number, flow: () => Promise<T>, underWay: () => number = () => 0): Promise<T> {
    const entered = this.#client(client);
    Object.assign(entered, { live: true, settled: false, sent: 0, underWay });
    try {
      return await flow();
    } finally {
      entered.settled = true;
      this.look();
    }
  }

  /** Clients that have entered and are not done. */
  get live(): number[] {
    return this.#clients.flatMap(({ live }, client) => (live ? [client] : []));
  }

  /**
   * Waits until each live client is at the gate or done: what may be released then does not depend on timing.
   *
   * @returns the held commands, by client and then in the order sent; empty when all clients are done
   * @throws InterleaveError `watchdog`, naming the clients that were waited for; `unsupported-protocol`, `stopped`
   */
  async quiet(): Promise<HeldCommand[]> {
    await this.#within(
      () => `${this.#late().map(clientLetter).join(', ')} to send a command or to end`,
      async (wait) => {
        for (;;) {
          const changed = this.#changed.promise;
          if (this.#late().length === 0) {
            // A flow that was just given a reply goes on in microtasks; all of them are over after this turn.
            await setImmediate();
            if (this.#late().length === 0) return;
          } else await changed;
          if (wait.isOver) return;
        }
      },
    );
    for (const client of this.#clients) this.#settle(client);
    return this.#clients.flatMap(({ held }) => [...held.keys()]);
  }

  /**
   * Lets one command go to the server and awaits its reply, which the client gets with `deliver()`.
   *
   * @throws InterleaveError `watchdog`, `blocked`, `connection-lost`, `stopped`
   */
  async release(command: HeldCommand): Promise<Reply> {
    const waiting = this.#take(command);
    const what = () => `the server to answer "${command.name}" of ${clientLetter(command.client)}`;
    const asking = setInterval(() => void this.#explain(command), EXPLAIN_PAUSE_MS);
    try {
      return await this.#within(what, () => waiting.release());
    } finally {
      clearInterval(asking);
    }
  }

  /** No verdict of time: the server says itself what holds the command up. */
  async #explain(command: HeldCommand): Promise<void> {
    // Who can't be asked has nothing to say; the watchdog has.
    const reason = await this.#explainWait?.(command).catch(() => undefined);
    if (reason === undefined) return;
    const whose = `"${command.name}" of ${clientLetter(command.client)}`;
    this.#fail(new InterleaveError('blocked', `${whose} waits in the server, which was not foreseen: ${reason}.`));
  }

  /** Ends the connection of a command that the server never gets. @throws InterleaveError `stopped` */
  reset(command: HeldCommand): void {
    this.#take(command).reset();
  }

  /** Looks again at who is ready. */
  look(): void {
    for (const client of this.#clients) {
      if (client.settled && this.#pending(client) === 0 && client.underWay() === 0) client.live = false;
    }
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  /**
   * Holds nothing any more and lets only aborts, heartbeats and the end of sessions pass. To be called before clients are closed whose flows
   * hang: a driver aborts its open transactions first, and would wait for that.
   */
  retire(): void {
    for (const client of this.#clients) client.retired = true;
    this.#fail(new InterleaveError('stopped', 'The gate is closed.'));
  }

  /** Closes all ports and connections. Close the clients first: drivers look long for a server that is gone. May be called again. */
  async close(): Promise<void> {
    this.retire();
    await Promise.all(this.#clients.map(closePort));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #accept(client: LogicalClient, socket: Socket): void {
    client.sockets.add(socket);
    socket.once('close', () => client.sockets.delete(socket));
    relay(socket, this.#address, {
      mode: () => (client.retired ? 'refuse' : client.frozen ? 'swallow' : client.live ? 'hold' : 'pass'),
      held: (waiting) => {
        client.arrived.push(waiting);
        this.look();
      },
      withdrawn: (waiting) => {
        client.arrived.splice(0, client.arrived.length, ...client.arrived.filter((other) => other !== waiting));
        for (const [command, held] of client.held) if (held === waiting) client.held.delete(command);
        this.look();
      },
      failed: (error) => this.#fail(error),
    });
  }

  #take(command: HeldCommand): Waiting {
    const { held } = this.#client(command.client);
    const waiting = held.get(command);
    if (waiting === undefined) throw new InterleaveError('stopped', `"${command.name}" is not at the gate any more.`);
    held.delete(command);
    return waiting;
  }

  /** Numbers what has arrived. Two connections may be read in either order, so the client's own count decides. */
  #settle(client: LogicalClient): void {
    const sent = client.arrived.splice(0).toSorted((one, other) => one.requestId - other.requestId);
    for (const waiting of sent) {
      const { name, body } = waiting;
      client.held.set({ client: this.#clients.indexOf(client), index: client.sent++, name, body }, waiting);
    }
  }

  #pending({ held, arrived }: LogicalClient): number {
    return held.size + arrived.length;
  }

  /** Live clients that have nothing at the gate, or have begun a command that is not there yet. */
  #late(): number[] {
    return this.live.filter((index) => {
      const client = this.#client(index);
      const pending = this.#pending(client);
      return pending === 0 || pending < client.underWay();
    });
  }

  async #within<T>(what: () => string, work: (wait: Readonly<Wait>) => Promise<T>): Promise<T> {
    if (this.#failure !== undefined) throw this.#failure;
    const wait: Wait = { isOver: false };
    const stopped = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      const limit = `${this.#waitLimitMs} ms`;
      this.#fail(new InterleaveError('watchdog', `Waited ${limit} for ${what()}; the run is given up.`));
    }, this.#waitLimitMs);
    this.#onFailure = stopped.reject;
    try {
      return await Promise.race([work(wait), stopped.promise]);
    } finally {
      clearTimeout(timer);
      wait.isOver = true;
      this.#onFailure = () => undefined;
    }
  }

  #onFailure: (error: InterleaveError) => void = () => undefined;

  #fail(error: InterleaveError): void {
    this.#failure ??= error;
    this.#onFailure(this.#failure);
  }

  #client(index: number): LogicalClient {
    const client = this.#clients[index];
    if (client === undefined) throw new InterleaveError('invalid-option', `There is no client ${index} at this gate.`);
    return client;
  }
}

function closePort({ server, sockets }: LogicalClient): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  for (const socket of sockets) socket.destroy();
  return closed;
}
