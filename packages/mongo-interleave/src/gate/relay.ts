import { connect, type Socket } from 'node:net';
import { InterleaveError } from '../interleave-error.ts';
import { frameSplitter } from './frames.ts';
import {
  asOutdated,
  commandName,
  isGreetingOfMember,
  isOfPrimary,
  readExactCommand,
  readMessage,
  withMembers,
  withoutCompression,
  type Fields,
  type SetView,
} from './message.ts';
import { isGreeting, isPassing } from './passing-commands.ts';

/** Where the real server listens. */
export interface ServerAddress {
  readonly host: string;
  readonly port: number;
}

/** The server's reply to a released command, before the client gets it. */
export interface Reply {
  readonly body: Fields;
  /** As `body`, with BSON's classes for the values. */
  readonly exact: () => Fields;
  /** Sends the reply to the client. */
  deliver(): void;
  /** Closes the connection instead. */
  lose(): void;
  /** Sends the client's own command instead, and waits for the reply to that. @throws InterleaveError `connection-lost` */
  sendAgain(): Promise<Reply>;
}

type ServerReply = Omit<Reply, 'sendAgain'>;

/** A held command on its connection. */
export interface Waiting {
  /** Drivers count their requests, so this is the order in which a client sent its commands, whatever the connection. */
  readonly requestId: number;
  readonly name: string;
  readonly body: Fields;
  /** See `HeldCommand`. */
  readonly exact: () => Fields;
  /** Sends the command to the server, as the client wrote it or changed. @throws InterleaveError `connection-lost` */
  release(change?: (frame: Buffer) => Buffer): Promise<Reply>;
  /** Closes the connection; the server never gets the command. */
  reset(): void;
}

/**
 * What happens to a command of the client: `pass` forwards it, `hold` keeps it at the gate, `swallow` drops it and leaves the connection
 * open, `refuse` closes the connection unless the command is an abort.
 */
export type Mode = 'pass' | 'hold' | 'swallow' | 'refuse';

/** What the relay asks and tells the gate. */
export interface RelayListener {
  mode(): Mode;
  /** A command was let pass because of the mode. */
  passed(): void;
  held(waiting: Waiting): void;
  /** The connection of a held command was closed, by the client or by somebody else. */
  withdrawn(waiting: Waiting, byClient: boolean): void;
  failed(error: InterleaveError): void;
  /** The members that the client is to know; undefined while it is to hear nothing of them. */
  view(): SetView | undefined;
  /** The client was told something of the members. */
  told(): void;
}

/** One connection through the gate. */
export interface Relay {
  /** A handshake or another passing command was not answered yet, or part of a message has come. */
  isMoving(): boolean;
  /** Tells the client what was kept from it. */
  tell(): void;
  /** The client hears of each change of this member at once (streaming protocol of its monitor). */
  isStreaming(): boolean;
  /** The client was told that this member is the primary and takes writes. */
  isToldPrimary(): boolean;
}

/** Connects one client connection to a new server connection. If either closes, both close. */
export function relay(client: Socket, address: ServerAddress, listener: RelayListener): Relay {
  const server = connect(address.port, address.host);
  const awaited = new Map<number, PromiseWithResolvers<ServerReply>>();
  const held = new Set<Waiting>();
  /** Passing commands without an answer, by number. */
  const asked = new Set<number>();
  const partial = { received: 0, read: 0 };
  /** Greetings that the client is not to hear yet. */
  const kept: Buffer[] = [];
  let isStreaming = false;
  let isToldPrimary = false;
  /** The client was told of the members before they changed. */
  let isOutdated = false;

  function hold(frame: Buffer, requestId: number, body: Fields): void {
    const waiting: Waiting = {
      requestId,
      name: commandName(body),
      body,
      exact: () => readExactCommand(frame),
      release: (change = (same) => same) => {
        held.delete(waiting);
        const answer = Promise.withResolvers<ServerReply>();
        awaited.set(requestId, answer);
        server.write(change(frame));
        return answer.promise.then((reply) => ({ ...reply, sendAgain: () => waiting.release() }));
      },
      reset: () => close(false),
    };
    held.add(waiting);
    listener.held(waiting);
  }

  function fromClient(frame: Buffer): void {
    partial.read += frame.length;
    const message = readMessage(frame);
    const name = commandName(message.body);
    // A monitor's heartbeat is answered after maxAwaitTimeMS, or when something changes.
    if (message.body['maxAwaitTimeMS'] !== undefined) isStreaming ||= isGreeting(name);
    else if (isPassing(name)) asked.add(message.requestId);
    if (isGreeting(name)) server.write(withoutCompression(isOutdated ? asOutdated(frame) : frame));
    else if (isPassing(name)) server.write(frame);
    else {
      // Refused in each mode: such a command may arrive after the end of its flow, when nothing is held.
      if (message.moreToCome)
        throw unsupported(
          name,
          'it is an unacknowledged write, which has no reply. Use a write concern other than w: 0.',
        );
      if (message.exhaustAllowed)
        throw unsupported(
          name,
          'it asks for an exhaust cursor, whose replies come without requests. Use a plain cursor.',
        );
      const mode = listener.mode();
      if (mode === 'hold') hold(frame, message.requestId, message.body);
      else if (mode === 'pass' || (mode === 'refuse' && name === 'abortTransaction')) {
        listener.passed();
        server.write(frame);
      } else if (mode === 'refuse') close(false);
    }
  }

  function fromServer(frame: Buffer): void {
    const answer = awaited.get(frame.readInt32LE(8));
    if (answer === undefined) {
      asked.delete(frame.readInt32LE(8));
      if (isGreetingOfMember(frame)) {
        kept.push(frame);
        tell();
      } else client.write(frame);
      return;
    }
    awaited.delete(frame.readInt32LE(8));
    answer.resolve({
      body: readMessage(frame).body,
      exact: () => readExactCommand(frame),
      deliver: () => void client.write(frame),
      lose: () => close(false),
    });
  }

  function tell(): void {
    const view = listener.view();
    if (view === undefined) return;
    // With nothing to tell, this member may have no news later either, while the client waits for some.
    isOutdated = kept.length === 0;
    for (const frame of kept.splice(0)) {
      isToldPrimary = isOfPrimary(frame);
      client.write(withMembers(frame, view));
      listener.told();
    }
  }

  function close(byClient: boolean): void {
    client.destroy();
    server.destroy();
    asked.clear();
    for (const waiting of held) listener.withdrawn(waiting, byClient);
    held.clear();
    const lost = byClient
      ? new InterleaveError('withdrawn', 'The client closed the connection before the server replied.')
      : new InterleaveError('connection-lost', 'The connection closed before the server replied.');
    for (const answer of awaited.values()) answer.reject(lost);
    awaited.clear();
  }

  const guarded = (read: (data: Buffer) => void) => (data: Buffer) => {
    try {
      read(data);
    } catch (error) {
      const code = 'unsupported-protocol';
      const unreadable = () => new InterleaveError(code, 'A message could not be read.', { cause: error });
      listener.failed(error instanceof InterleaveError ? error : unreadable());
      close(false);
    }
  };
  client.on('data', (data) => {
    partial.received += data.length;
  });
  client.on('data', guarded(frameSplitter(fromClient)));
  server.on('data', guarded(frameSplitter(fromServer)));
  for (const socket of [client, server]) {
    socket.setNoDelay(true);
    socket.on('close', () => close(socket === client));
    // Drivers and killed servers reset connections. 'close' follows each error.
    socket.on('error', () => undefined);
  }
  return {
    isMoving: () => asked.size > 0 || partial.received !== partial.read,
    tell,
    isStreaming: () => isStreaming,
    isToldPrimary: () => isToldPrimary,
  };
}

const unsupported = (name: string, what: string): InterleaveError =>
  new InterleaveError('unsupported-protocol', `The gate can't hold "${name}": ${what}`);
