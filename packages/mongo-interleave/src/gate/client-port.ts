import { createServer, type Server, type Socket } from 'node:net';
import { InterleaveError } from '../interleave-error.ts';
import { clientLetter } from './client-letter.ts';
import { Connections, type ClientSocket } from './connections.ts';
import type { HeldCommand } from './held-command.ts';
import type { Fields } from './message.ts';
import { watchOwnSockets } from './own-sockets.ts';
import type { SetView } from './message.ts';
import { relay, type Mode, type ServerAddress, type Waiting } from './relay.ts';

/** What the gate is told by a port. */
interface PortListener {
  /** A command arrived or was withdrawn. */
  changed(): void;
  failed(error: InterleaveError): void;
  /** Something but the schedule has decided, so the run counts for nothing. */
  spoilt(error: InterleaveError): void;
  /** A command arrived after the flow had ended; it is held. Without this, such commands pass. */
  late?: (command: HeldCommand) => void;
}

/** Drivers and flows pause before they try a transaction again, and meanwhile other commands of the client may wait at the gate. */
const isNextAttempt = (body: Fields): boolean => body['startTransaction'] === true;

const HOST = '127.0.0.1';

/** Where a client reaches one member. */
interface Entrance {
  readonly member: ServerAddress;
  readonly server: Server;
  /** Undefined when it is closed. */
  readonly port: () => number | undefined;
}

/**
 * The port of one client: its connections, and its commands at the gate. After a failover it has another port, which leads to the new
 * primary; the first one leads to the old primary still.
 */
export class ClientPort {
  readonly #index: number;
  readonly #entrances: Entrance[] = [];
  readonly #connections = new Connections();
  readonly #unwatch: () => void;
  #primary: ServerAddress;
  /** The client is to hear nothing of the members. */
  #isDeaf = false;
  readonly #held = new Map<HeldCommand, Waiting>();
  #arrived: Waiting[] = [];
  #sent = 0;
  #mode: Mode = 'pass';
  /** Commands that were let pass because no flow ran. */
  passed = 0;
  /** The client has shown all that it does until something is delivered to it. */
  #isSettledDown = false;
  /** The promise of the flow is settled; commands that the flow did not await may still be on their way. */
  #isSettled = false;
  /** The flow has ended, and none of its commands is left. */
  #isOver = false;
  /** Commands that arrived after the flow had ended. */
  readonly #late = new Map<HeldCommand, Waiting>();
  readonly #listener: PortListener;
  #underWay: () => number = () => 0;

  constructor(index: number, primary: ServerAddress, listener: PortListener) {
    this.#index = index;
    this.#primary = primary;
    this.#listener = listener;
    this.#unwatch = watchOwnSockets((socket, port) => {
      if (this.owns(port)) this.#connections.own(socket);
    });
  }

  /** Opens the port that leads to the primary. */
  async listen(): Promise<void> {
    const member = this.#primary;
    if (this.#entrances.some((entrance) => isSame(entrance.member, member))) return;
    const server = createServer((socket) => this.#accept(socket, member));
    const listening = Promise.withResolvers<void>();
    server.once('error', listening.reject);
    server.listen(0, HOST, listening.resolve);
    await listening.promise;
    const port = (): number | undefined => {
      const address = server.address();
      return address === null || typeof address === 'string' ? undefined : address.port;
    };
    this.#entrances.push({ member, server, port });
  }

  /** The number of the first port; undefined when it is closed. */
  get number(): number | undefined {
    return this.#entrances[0]?.port();
  }

  /** Is this the number of one of its ports? */
  owns(port: number | undefined): boolean {
    return port !== undefined && this.#entrances.some((entrance) => entrance.port() === port);
  }

  /** The client knows no member but this primary. */
  knowsOnly(primary: ServerAddress): boolean {
    return this.#entrances.every(({ member }) => isSame(member, primary));
  }

  /** The client hears nothing of the members from now on. */
  deafen(): void {
    this.#isDeaf = true;
  }

  /** The client hears of the members again, and that this one is the primary. */
  async tell(primary: ServerAddress): Promise<void> {
    this.#primary = primary;
    await this.listen();
    this.#isDeaf = false;
    for (const [, relayed] of this.#connections.relays) relayed.tell();
  }

  /** Has the client heard which member is the primary, if it hears of changes at all before it meets them? */
  get hasHeard(): boolean {
    if (!this.isLive) return true;
    const port = this.#primaryPort;
    const { relays } = this.#connections;
    const streaming = relays.filter(([, relayed]) => relayed.isStreaming());
    const hasFound = relays.some(([own, relayed]) => own === port && relayed.isToldPrimary());
    const isRight = streaming.every(([own, relayed]) => relayed.isToldPrimary() === (own === port));
    return streaming.length === 0 || (isRight && hasFound);
  }

  get #primaryPort(): number | undefined {
    return this.#entrances.find(({ member }) => isSame(member, this.#primary))?.port();
  }

  /** A flow runs: its commands are held. */
  get isLive(): boolean {
    return this.#mode === 'hold' && !this.#isOver;
  }

  /** The flow has nothing at the gate, or has begun a command that has not arrived yet. */
  get isLate(): boolean {
    return this.isLive && (this.#pending === 0 || this.#pending < this.#awaited);
  }

  /** Learns what is on its way in the threads of the client. */
  ask(): Promise<void> {
    return this.#connections.ask((port) => this.owns(port));
  }

  /** Does a part of the client run in threads that have to be asked? */
  get hasThreads(): boolean {
    return this.isLive && this.#connections.hasThreads;
  }

  /** See {@link Connections.remote}. */
  remote(ask: () => Promise<readonly ClientSocket[]>): void {
    this.#connections.remote(ask);
  }

  /** Something is on its way between the client and this port. */
  get isMoving(): boolean {
    return this.isLive && this.#connections.isMoving;
  }

  /** The client has nothing left to do but to wait for a reply. What it sends all the same, something but the schedule has decided. */
  settleDown(): void {
    if (this.isLive && !this.isLate) this.#isSettledDown = true;
  }

  /** Something was delivered, to this client or to another one that it may share memory with. */
  stir(): void {
    this.#isSettledDown = false;
  }

  /** The held commands, in the order in which the client sent them. */
  get held(): HeldCommand[] {
    return [...this.#held.keys()];
  }

  /** A flow begins. */
  enter(underWay: () => number): void {
    this.#setMode('hold');
    this.#isSettled = false;
    this.#isOver = false;
    this.#isSettledDown = false;
    this.#sent = 0;
    this.#underWay = underWay;
  }

  /** The promise of the flow is settled. If nothing has led to that while commands of its own waited here, time has. */
  settle(): void {
    const isWaiting = this.#pending > 0 && (this.#connections.isForeign || this.#pending <= this.#awaited);
    // What a closed client has ended is about to be withdrawn, which says more.
    if (this.isLive && this.#isSettledDown && isWaiting) this.#listener.spoilt(this.#endedUnasked());
    this.#isSettled = true;
  }

  /** Holds nothing any more if the flow has ended and none of its commands is left. */
  recheck(): void {
    if (!this.isLive || !this.#isSettled || this.#pending > 0 || this.#awaited > 0) return;
    if (this.isMoving && this.#late.size === 0) return;
    if (this.#listener.late === undefined) this.#setMode('pass');
    else this.#isOver = true;
  }

  /** The client crashed: nothing that it sends goes on, and it gets no reply. */
  freeze(): void {
    this.#setMode('swallow');
    this.#held.clear();
    this.#late.clear();
    this.#arrived = [];
  }

  /** From now on only aborts, heartbeats and the end of sessions pass. */
  retire(): void {
    this.#setMode('refuse');
  }

  /** Numbers the commands that have arrived. Two connections may be read in either order, so the driver's own count decides. */
  numberArrived(): void {
    const sent = this.#arrived.toSorted((one, other) => one.requestId - other.requestId);
    this.#arrived = [];
    for (const waiting of sent) {
      const { name, body, exact } = waiting;
      this.#held.set({ client: this.#index, index: this.#sent++, name, body, exact }, waiting);
    }
  }

  /** Takes a command from the gate; undefined if it is not there any more. */
  take(command: HeldCommand): Waiting | undefined {
    const waiting = this.#held.get(command) ?? this.#late.get(command);
    this.#held.delete(command);
    this.#late.delete(command);
    return waiting;
  }

  close(): Promise<void> {
    const closed = this.#entrances.map(({ server }) => new Promise<void>((resolve) => server.close(() => resolve())));
    this.#unwatch();
    this.#connections.destroy();
    return Promise.all(closed).then(() => undefined);
  }

  /** A retired port stays retired, so that the client can be closed whatever its flow does meanwhile. */
  #setMode(mode: Mode): void {
    if (this.#mode !== 'refuse') this.#mode = mode;
  }

  get #pending(): number {
    return this.#held.size + this.#arrived.length;
  }

  /** Commands that the client has begun and not ended, without those that came too late. */
  get #awaited(): number {
    return this.#underWay() - this.#late.size;
  }

  #hold(waiting: Waiting): void {
    const { late } = this.#listener;
    const { name, body, exact } = waiting;
    if (this.#isSettled && late !== undefined) {
      const command = { client: this.#index, index: this.#sent++, name, body, exact };
      this.#late.set(command, waiting);
      late(command);
    } else {
      if (this.#isSettledDown && !isNextAttempt(body)) this.#listener.spoilt(this.#unasked(name));
      this.#arrived.push(waiting);
    }
    this.#listener.changed();
  }

  #accept(socket: Socket, address: ServerAddress): void {
    const relayed = relay(socket, address, {
      mode: () => this.#mode,
      passed: () => {
        this.passed++;
      },
      held: (waiting) => this.#hold(waiting),
      withdrawn: (waiting, byClient) => {
        if (byClient && this.isLive) this.#listener.spoilt(this.#withdrawn(waiting.name));
        this.#arrived = this.#arrived.filter((other) => other !== waiting);
        for (const commands of [this.#held, this.#late])
          for (const [command, held] of commands) if (held === waiting) commands.delete(command);
        this.#listener.changed();
      },
      failed: ({ code, message, cause }) => {
        this.#listener.failed(new InterleaveError(code, `Client ${clientLetter(this.#index)}: ${message}`, { cause }));
      },
      view: () => (this.#isDeaf ? undefined : this.#viewFrom(address)),
      told: () => this.#listener.changed(),
    });
    this.#connections.accepted(socket, relayed);
  }

  #viewFrom(member: ServerAddress): SetView {
    const addressOf = ({ port }: Entrance): string => `${HOST}:${port() ?? 0}`;
    const find = (wanted: ServerAddress): string =>
      this.#entrances.filter((entrance) => isSame(entrance.member, wanted)).map(addressOf)[0] ?? '';
    return { me: find(member), hosts: this.#entrances.map(addressOf), primary: find(this.#primary) };
  }

  #unasked(name: string): InterleaveError {
    return this.#unscheduled(
      `sent "${name}"`,
      this.#connections.isForeign
        ? 'A flow in another process must send one command at a time; several at once need a flow in the process of the test, or inThreads().'
        : 'Something but the schedule decides: does the flow use a timer, or work that it does not await?',
    );
  }

  #endedUnasked(): InterleaveError {
    const [name = ''] = [...this.#held.keys(), ...this.#arrived].map((command) => command.name);
    return this.#unscheduled(
      `ended with its "${name}" at the gate`,
      'Something but the schedule decides: does the flow use a timer, or an abort signal with one?',
    );
  }

  #unscheduled(what: string, why: string): InterleaveError {
    return new InterleaveError(
      'unscheduled',
      `${clientLetter(this.#index)} ${what} although nothing had been delivered to it since it came to the gate. ${why}`,
    );
  }

  #withdrawn(name: string): InterleaveError {
    return new InterleaveError(
      'withdrawn',
      `${clientLetter(this.#index)} took back "${name}" while it waited at the gate: its connection was closed. Time at the gate must not count: leave out socketTimeoutMS, timeoutMS and abort signals with a timer. Does the flow close its client with a command under way?`,
    );
  }
}

const isSame = (one: ServerAddress, other: ServerAddress): boolean =>
  one.host === other.host && one.port === other.port;
