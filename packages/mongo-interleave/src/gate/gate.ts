import { setImmediate, setTimeout as pause } from 'node:timers/promises';
import { expectAboveZero, expectInteger } from '../check-option.ts';
import { InterleaveError } from '../interleave-error.ts';
import { clientLetter } from './client-letter.ts';
import type { ClientSocket } from './connections.ts';
import { ClientPort } from './client-port.ts';
import type { HeldCommand } from './held-command.ts';
import type { Fields } from './message.ts';
import type { Reply, ServerAddress, Waiting } from './relay.ts';

export interface GateOptions {
  /** The server behind the gate: the primary of a replica set. */
  readonly server: ServerAddress;
  /**
   * The name of the replica set, if its primary may change: clients then connect as to a set, so that they find the next primary. Default:
   * they connect to the one server.
   */
  readonly replicaSet?: string;
  /** Number of clients, 1 to 26. Each gets a port of its own. */
  readonly clients: number;
  /** Longest single wait for a client or for the server, in milliseconds. Default 10,000. After that the wait ends with `watchdog`. */
  readonly maxWaitMs?: number;
  /**
   * Asked repeatedly while the server has not answered a command: what the command waits for, or undefined if that is not known. A
   * reason ends the wait with `blocked`.
   */
  readonly explainWait?: (command: HeldCommand) => Promise<string | undefined>;
  /** Called when a client sends a command after its flow has ended. The command is held until it is released. Default: it passes. */
  readonly onLate?: (command: HeldCommand) => void;
}

/** One wait. Cheaper than an AbortSignal, of which a run would need dozens. */
interface Wait {
  isOver: boolean;
  /** Ends the wait with an error. Does nothing if the wait is over. */
  readonly fail: (error: InterleaveError) => void;
}

/** A command that came to a member which was not the primary any more. */
export interface RefusedCommand {
  readonly command: HeldCommand;
  readonly reply: Fields;
}

/** A client that crashed: it gets no reply any more, and what it sends is dropped. */
export interface FrozenClient {
  /** Lets the connections of the client end. To be called before the client is closed, see {@link Gate.retire}. */
  retire(): void;
  /** Closes the port and the connections. To be called after the client was closed. */
  close(): Promise<void>;
}

export const MAX_CLIENTS = 26;
export const DEFAULT_MAX_WAIT_MS = 10_000;
const EXPLAIN_PAUSE_MS = 500;
const STILL_TURNS = 2;

/**
 * Opens a loopback port for each client. The commands of a client that has entered wait there until they are released. All other
 * commands pass (see {@link Gate.enter}).
 *
 * @throws InterleaveError `invalid-option`
 */
export async function openGate(options: GateOptions): Promise<Gate> {
  const { clients, maxWaitMs = DEFAULT_MAX_WAIT_MS } = options;
  expectInteger({ clients }, 1, MAX_CLIENTS);
  expectAboveZero({ maxWaitMs });
  const gate = new Gate({ ...options, maxWaitMs });
  try {
    for (let client = 0; client < clients; client++) await gate.open(client);
  } catch (error) {
    await gate.close();
    throw error;
  }
  return gate;
}

/** A proxy on the wire for each client. The caller decides in which order the commands reach the server. */
export class Gate implements AsyncDisposable {
  readonly #options: Omit<GateOptions, 'clients'> & { readonly maxWaitMs: number };
  readonly #ports: ClientPort[] = [];
  #server: ServerAddress;
  #hasFailedOver = false;
  #failure: InterleaveError | undefined;
  /** What was found out between two waits. */
  #spoilt: InterleaveError | undefined;
  #wait: Wait | undefined;
  #onFailure: (error: InterleaveError) => void = () => undefined;
  #changed: PromiseWithResolvers<void> = Promise.withResolvers();

  /** Use {@link openGate}. */
  constructor(options: Omit<GateOptions, 'clients'> & { readonly maxWaitMs: number }) {
    this.#options = options;
    this.#server = options.server;
  }

  /** Opens a port for the client in place of any earlier port. Called by {@link openGate}. */
  async open(client: number): Promise<void> {
    const { onLate } = this.#options;
    const port = new ClientPort(client, this.#server, {
      changed: () => this.recheck(),
      failed: (error) => this.fail(error),
      spoilt: (error) => this.#spoil(error),
      ...(onLate === undefined ? {} : { late: onLate }),
    });
    this.#ports[client] = port;
    await port.listen();
  }

  /**
   * Crashes a client: it gets no further reply, and nothing that it sends goes on. The client is frozen rather than sent an error,
   * because an error would run its `catch` and `finally`, which a crash does not. A fresh port takes the place of its port.
   */
  async crash(client: number): Promise<FrozenClient> {
    const port = this.#port(client);
    port.freeze();
    await this.open(client);
    return { retire: () => port.retire(), close: () => port.close() };
  }

  /**
   * How `client` reaches the server: `mongodb://127.0.0.1:PORT/?directConnection=true`, or `?replicaSet=NAME`, with an `appName` of its own.
   */
  uri(client: number): string {
    const { number } = this.#port(client);
    if (number === undefined) throw closed();
    const { replicaSet } = this.#options;
    const how = replicaSet === undefined ? 'directConnection=true' : `replicaSet=${encodeURIComponent(replicaSet)}`;
    return `mongodb://127.0.0.1:${number}/?${how}&appName=gate-${number}`;
  }

  /** Tells of the ports that the client has now, and of those that it gets until it crashes, whether a number is theirs. */
  ownPorts(client: number): (port: number) => boolean {
    const port = this.#port(client);
    return (number) => port.owns(number);
  }

  /** Clients are connected as to a replica set, and follow a new primary. */
  get followsPrimary(): boolean {
    return this.#options.replicaSet !== undefined;
  }

  /** Before a run: where ports lead that are opened from now on. */
  moveTo(primary: ServerAddress): void {
    this.#server = primary;
    this.#hasFailedOver = false;
  }

  /** Does the client know no member but the primary? */
  isAtPrimary(client: number): boolean {
    return this.#port(client).knowsOnly(this.#server);
  }

  /**
   * Lets the set elect another primary while nothing is under way in the server. As in a real failover, clients first meet the old primary
   * and hear of the new one later: the commands that are held go to the old primary, to which their clients have sent them, and its answers
   * to the clients; only when these have reacted, they hear of the new primary.
   *
   * @param elect returns the new primary, which takes writes by then
   * @param meanwhile called before the clients hear of it
   * @returns what the old primary was asked and answered
   * @throws InterleaveError `watchdog`, `stopped`, `connection-lost`; what `elect` throws
   */
  async failOver(
    elect: () => Promise<ServerAddress>,
    meanwhile: () => void = () => undefined,
  ): Promise<readonly RefusedCommand[]> {
    const held = this.#ports.flatMap((port) => port.held);
    this.#hasFailedOver = true;
    for (const port of this.#ports) port.deafen();
    const refused: RefusedCommand[] = [];
    try {
      this.#server = await this.#within(() => 'another member to become the primary', elect);
      for (const command of held) {
        const reply = await this.release(command);
        reply.deliver();
        refused.push({ command, reply: reply.body });
      }
      meanwhile();
      await this.#untilStill('the clients to react to the step-down', () => true);
    } finally {
      this.#stir();
      await Promise.all(this.#ports.map((port) => port.tell(this.#server)));
    }
    await this.#untilStill('the clients to hear of the new primary', () => this.#ports.every((port) => port.hasHeard));
    return refused;
  }

  /** Waits until nothing moves any more, and this is so. */
  async #untilStill(what: string, isSo: () => boolean): Promise<void> {
    await this.#within(
      () => what,
      async (wait) => {
        while (!wait.isOver) {
          const changed = this.#changed.promise;
          if (!(await this.#isStill(changed))) continue;
          if (isSo()) return;
          await changed;
        }
      },
    );
  }

  /**
   * Lets the gate ask a thread of `client` for its ends of connections.
   *
   * @param ask answers after everything that the thread has read has had its effect
   */
  remote(client: number, ask: () => Promise<readonly ClientSocket[]>): void {
    this.#port(client).remote(ask);
  }

  /** Why the gate can't be used any more; undefined while it can. */
  get failure(): InterleaveError | undefined {
    return this.#failure;
  }

  /**
   * Holds the commands of `client` from now on, until the promise that `flow` returns is settled and none of its commands is left.
   *
   * @param underWay how many commands the client has begun and not ended, if that is known. Without this number, a client that sends
   *   several commands at once may seem ready when only the first has arrived. Call {@link Gate.recheck} when the number changes
   * @returns what `flow` returns
   */
  async enter<T>(client: number, flow: () => Promise<T>, underWay: () => number = () => 0): Promise<T> {
    const port = this.#port(client);
    port.enter(underWay);
    this.#stir();
    try {
      return await flow();
    } finally {
      port.settle();
      this.recheck();
    }
  }

  /**
   * Waits for work that goes past the gate, at most `maxWaitMs`.
   *
   * @param what names the work in the message of `watchdog`
   * @throws InterleaveError `watchdog`, `stopped`, and what else makes the gate fail; what `work` throws
   */
  async pass<T>(what: string, work: () => Promise<T>): Promise<T> {
    try {
      return await this.#within(() => what, work);
    } catch (error) {
      // A command that the gate refuses ends in an error of the driver, which says less.
      throw this.#failure ?? error;
    }
  }

  /** How many commands of `client` have passed the gate, handshakes and heartbeats left out. 0 for a client after a crash. */
  passedBy(client: number): number {
    return this.#port(client).passed;
  }

  /** The clients that have entered and are not done. */
  get live(): number[] {
    return this.#ports.flatMap(({ isLive }, client) => (isLive ? [client] : []));
  }

  /**
   * Waits until each live client is at the gate or done. What can be released then does not depend on timing.
   *
   * @returns the held commands, by client and then in the order sent; empty if all clients are done
   * @throws InterleaveError `watchdog`, naming the clients that did not arrive; `unsupported-protocol`, `stopped`
   */
  async quiet(): Promise<HeldCommand[]> {
    await this.#within(
      () =>
        `${this.#late().map(clientLetter).join(', ')} to send a command or to end: does the flow wait for a timer, or in memory for another client (a mutex, a shared promise, a cache)? Clients in threads of their own share no memory (inThreads)`,
      async (wait) => {
        while (!wait.isOver) {
          const changed = this.#changed.promise;
          if (!(await this.#isStill(changed))) continue;
          for (const port of this.#ports) port.settleDown();
          if (this.#late().length === 0) return;
          await changed;
        }
      },
    );
    for (const port of this.#ports) port.numberArrived();
    return this.#ports.flatMap(({ held }) => held);
  }

  /** Has nothing moved for some turns of the event loop? */
  async #isStill(changed: Promise<void>): Promise<boolean> {
    if (!(await this.#isStillFor(STILL_TURNS, changed))) return false;
    if (!this.#hasFailedOver) return true;
    // After a failover a flow may have work that it has given up at the gate, and try again after a pause of 0 ms, which is a timer.
    await pause();
    return this.#isStillFor(STILL_TURNS, changed);
  }

  async #isStillFor(turns: number, changed: Promise<void>): Promise<boolean> {
    for (let turn = 0; turn < turns; turn++) {
      // A flow that has read a reply goes on in microtasks, which are all over after this turn of the event loop.
      await setImmediate();
      const threaded = this.#ports.filter(({ hasThreads }) => hasThreads);
      if (threaded.length > 0) await Promise.all(threaded.map((port) => port.ask()));
      for (const port of this.#ports) port.recheck();
      if (changed !== this.#changed.promise || this.#ports.some(({ isMoving }) => isMoving)) return false;
    }
    return true;
  }

  /** Something is delivered to a client. */
  #stir(): void {
    for (const port of this.#ports) port.stir();
  }

  /**
   * Sends one command to the server and waits for its reply, which the client gets with `deliver()`.
   *
   * @param change makes another message of the client's, with the same request id
   * @throws InterleaveError `watchdog`, `blocked`, `connection-lost`, `stopped`
   */
  async release(command: HeldCommand, change?: (frame: Buffer) => Buffer): Promise<Reply> {
    const waiting = this.#take(command);
    const reply = await this.#answer(command, () => waiting.release(change));
    return { ...reply, sendAgain: () => this.#answer(command, () => reply.sendAgain()) };
  }

  async #answer(command: HeldCommand, send: () => Promise<Reply>): Promise<Reply> {
    let explaining: NodeJS.Timeout | undefined;
    try {
      const reply = await this.#within(
        () => `the server to answer ${nameOf(command)}`,
        (wait) => {
          explaining = setInterval(() => void this.#explain(command, wait), EXPLAIN_PAUSE_MS);
          return send();
        },
      );
      const stirring = (deliver: () => void) => (): void => {
        this.#stir();
        deliver();
      };
      return { ...reply, deliver: stirring(() => reply.deliver()), lose: stirring(() => reply.lose()) };
    } finally {
      clearInterval(explaining);
    }
  }

  /** Closes the connection of a held command, which the server never gets. @throws InterleaveError `stopped` */
  reset(command: HeldCommand): void {
    const waiting = this.#take(command);
    this.#stir();
    waiting.reset();
  }

  /** Checks again which clients are ready. */
  recheck(): void {
    for (const port of this.#ports) port.recheck();
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  /**
   * Holds nothing any more and lets only aborts, heartbeats and the end of sessions pass. To be called before clients are closed whose
   * flows hang: a driver that closes aborts its open transactions first, and waits for the reply.
   */
  retire(): void {
    for (const port of this.#ports) port.retire();
    this.fail(closed());
  }

  /** Closes all ports and connections. Close the clients first: a driver waits long for a server that is gone. May be called again. */
  async close(): Promise<void> {
    this.retire();
    await Promise.all(this.#ports.map((port) => port.close()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Time alone decides nothing: the run is given up because the server says that the command is blocked. */
  async #explain(command: HeldCommand, wait: Wait): Promise<void> {
    // If the server can't be asked, the watchdog will end the wait.
    const reason = await this.#options.explainWait?.(command).catch(() => undefined);
    if (reason === undefined) return;
    const message = `${nameOf(command)} waits in the server for something that the gate does not know of: ${reason}.`;
    wait.fail(new InterleaveError('blocked', message));
  }

  #take(command: HeldCommand): Waiting {
    const waiting = this.#port(command.client).take(command);
    if (waiting !== undefined) return waiting;
    // The client may have taken the command back since the last wait.
    throw this.takeSpoilt() ?? new InterleaveError('stopped', `${nameOf(command)} is no longer at the gate.`);
  }

  #late(): number[] {
    return this.#ports.flatMap(({ isLate }, client) => (isLate ? [client] : []));
  }

  /** Waits for `work`, at most `maxWaitMs` and until the gate fails. */
  async #within<T>(what: () => string, work: (wait: Readonly<Wait>) => Promise<T>): Promise<T> {
    const ended = this.#failure ?? this.takeSpoilt();
    if (ended !== undefined) throw ended;
    const failed = Promise.withResolvers<never>();
    const wait: Wait = { isOver: false, fail: failed.reject };
    const { maxWaitMs } = this.#options;
    const timer = setTimeout(() => {
      const message = `Waited ${maxWaitMs} ms for ${what()} (maxWaitMs). The run has no verdict.`;
      wait.fail(new InterleaveError('watchdog', message));
    }, maxWaitMs);
    this.#wait = wait;
    this.#onFailure = failed.reject;
    try {
      return await Promise.race([work(wait), failed.promise]);
    } finally {
      clearTimeout(timer);
      wait.isOver = true;
      this.#wait = undefined;
      this.#onFailure = () => undefined;
    }
  }

  /** Ends the wait of the moment, and each later one, with this error. The first failure counts. */
  fail(error: InterleaveError): void {
    this.#failure ??= error;
    this.#onFailure(this.#failure);
  }

  /** Ends the wait of the moment, or else the next one. */
  #spoil(error: InterleaveError): void {
    if (this.#wait === undefined) this.#spoilt ??= error;
    else this.#wait.fail(error);
  }

  /** Why the run counts for nothing, if that was found out since the last wait: something but the schedule has decided. */
  takeSpoilt(): InterleaveError | undefined {
    const spoilt = this.#spoilt;
    this.#spoilt = undefined;
    return spoilt;
  }

  #port(client: number): ClientPort {
    const port = this.#ports[client];
    if (port === undefined) throw new InterleaveError('invalid-option', `The gate has no client ${client}.`);
    return port;
  }
}

const nameOf = ({ name, client }: HeldCommand): string => `"${name}" of ${clientLetter(client)}`;

const closed = (): InterleaveError => new InterleaveError('stopped', 'The gate is closed.');
