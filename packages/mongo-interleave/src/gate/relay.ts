import { connect, type Socket } from 'node:net';
import { InterleaveError } from '../interleave-error.ts';
import { frameSplitter } from './frames.ts';
import { commandName, readMessage, withoutCompression, type Fields } from './message.ts';
import { isGreeting, isPassing } from './passing-commands.ts';

/** Where the real server listens. */
export interface ServerAddress {
  readonly host: string;
  readonly port: number;
}

/** The server's reply to a released command; the client hasn't got it yet. */
export interface Reply {
  readonly body: Fields;
  /** Hands it to the client. */
  deliver(): void;
  /** Ends the connection instead. */
  lose(): void;
}

/** One command that waits on one connection. */
export interface Waiting {
  /** Drivers count their requests up, so this is the order in which a client sent them, whatever the connection. */
  readonly requestId: number;
  readonly name: string;
  readonly body: Fields;
  /** Sends it to the server. @throws InterleaveError `connection-lost` */
  release(): Promise<Reply>;
  /** Ends the connection; the server never gets it. */
  reset(): void;
}

/** What the gate wants to hear of a connection. */
export interface RelayListener {
  /** `swallow` lets nothing go on, and does not say so; `refuse` ends the connection of whoever sends more than an abort. */
  mode(): 'hold' | 'pass' | 'swallow' | 'refuse';
  held(waiting: Waiting): void;
  /** The client gave up a command that was held: its connection is closed. */
  withdrawn(waiting: Waiting): void;
  failed(error: InterleaveError): void;
}

/** Ties one client connection to one server connection. Closing either closes both. */
export function relay(client: Socket, address: ServerAddress, listener: RelayListener): void {
  const server = connect(address.port, address.host);
  const awaited = new Map<number, PromiseWithResolvers<Reply>>();
  const held = new Set<Waiting>();

  function hold(frame: Buffer, requestId: number, body: Fields): void {
    const waiting: Waiting = {
      requestId,
      name: commandName(body),
      body,
      release: () => {
        held.delete(waiting);
        const answer = Promise.withResolvers<Reply>();
        awaited.set(requestId, answer);
        server.write(frame);
        return answer.promise;
      },
      reset: close,
    };
    held.add(waiting);
    listener.held(waiting);
  }

  function fromClient(frame: Buffer): void {
    const message = readMessage(frame);
    const name = commandName(message.body);
    if (isGreeting(name)) server.write(withoutCompression(frame));
    else if (isPassing(name)) server.write(frame);
    else {
      // Also when nothing is held: it may come when its flow is over already.
      if (message.moreToCome) throw unsupported(name, 'is an unacknowledged write (w: 0), which has no reply to await');
      if (message.exhaustAllowed)
        throw unsupported(name, 'asks for an exhaust cursor, whose replies come by themselves');
      const mode = listener.mode();
      if (mode === 'hold') hold(frame, message.requestId, message.body);
      else if (mode === 'pass' || (mode === 'refuse' && name === 'abortTransaction')) server.write(frame);
      else if (mode === 'refuse') close();
    }
  }

  function fromServer(frame: Buffer): void {
    const answer = awaited.get(frame.readInt32LE(8));
    if (answer === undefined) {
      client.write(frame);
      return;
    }
    awaited.delete(frame.readInt32LE(8));
    answer.resolve({ body: readMessage(frame).body, deliver: () => void client.write(frame), lose: close });
  }

  function close(): void {
    client.destroy();
    server.destroy();
    for (const waiting of held) listener.withdrawn(waiting);
    held.clear();
    const lost = new InterleaveError('connection-lost', 'The connection ended before the server replied.');
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
      close();
    }
  };
  client.on('data', guarded(frameSplitter(fromClient)));
  server.on('data', guarded(frameSplitter(fromServer)));
  for (const socket of [client, server]) {
    socket.setNoDelay(true);
    socket.on('close', close);
    // 'close' follows; a reset is how drivers and killed servers end connections.
    socket.on('error', () => undefined);
  }
}

const unsupported = (name: string, what: string): InterleaveError =>
  new InterleaveError('unsupported-protocol', `The gate can't hold "${name}": it ${what}.`);
