import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { frameSplitter } from './frames.ts';
import { asMember, commandName, readMessage, withoutCompression } from './message.ts';
import { isGreeting, isPassing } from './passing-commands.ts';
import type { ServerAddress } from './relay.ts';

const HOST = '127.0.0.1';

/**
 * What goes wrong between clients and the members of a replica set.
 *
 * - `lost-reply`: a command runs, and its connection is closed in place of the reply
 * - `reset`: the connection is closed in place of a command, which does not run
 * - `delay`: a command reaches the server later; those after it on the same connection wait
 * - `half-open`: a command runs, and nothing comes back on its connection, which stays open until all is mended
 * - `cut-off`: nothing passes to or from a member, and no connection to it is made; the members still reach each other
 */
export const DISTURBANCE_KINDS = ['lost-reply', 'reset', 'delay', 'half-open', 'cut-off'] as const;
export type DisturbanceKind = (typeof DISTURBANCE_KINDS)[number];

export interface Disturbance {
  readonly kind: DisturbanceKind;
  /** Which commands it meets. Not asked for `cut-off`. Heartbeats and handshakes are met by `cut-off` alone. */
  readonly meets: () => boolean;
  /** Of `delay`. */
  readonly delayMs?: number;
  /** The member that is cut off, by its place among the members. Default: all of them. */
  readonly member?: number;
}

/** Connections to the members of a replica set that can be disturbed. Everything passes until then. */
export interface Wire extends AsyncDisposable {
  /** Where clients connect to, for each member; members tell these addresses as their own and each other's. */
  readonly addresses: readonly ServerAddress[];
  /** From now on this goes wrong. */
  disturb(disturbance: Disturbance): void;
  /** Ends the disturbance. Connections on which something is lost are closed. @returns how many commands it met */
  mend(): number;
}

/** @param members as the replica set's configuration names them */
export async function openWire(members: readonly ServerAddress[]): Promise<Wire> {
  let disturbance: Disturbance | undefined;
  let met = 0;
  const links = new Set<Link>();
  const ports: Server[] = [];
  const own = new Map<string, string>();

  const isCutOff = (index: number): boolean =>
    disturbance?.kind === 'cut-off' && (disturbance.member === undefined || disturbance.member === index);

  for (const [index, member] of members.entries()) {
    const server = createServer((client) => {
      if (isCutOff(index)) {
        client.destroy();
        return;
      }
      const link = openLink(client, member, {
        ownAddressOf: (address) => own.get(address),
        disturbance: () => (disturbance?.kind !== 'cut-off' || isCutOff(index) ? disturbance : undefined),
        met: () => met++,
      });
      links.add(link);
      client.once('close', () => links.delete(link));
    });
    server.listen(0, HOST);
    await once(server, 'listening');
    ports.push(server);
    own.set(`${member.host}:${member.port}`, `${HOST}:${portOf(server)}`);
  }
  return {
    addresses: ports.map((server) => ({ host: HOST, port: portOf(server) })),
    disturb: (next) => {
      disturbance = next;
      met = 0;
    },
    mend: () => {
      disturbance = undefined;
      for (const link of links) if (link.isLossy()) link.close();
      return met;
    },
    [Symbol.asyncDispose]: async () => {
      for (const link of links) link.close();
      await Promise.all(
        ports.map(async (server) => {
          const closed = once(server, 'close');
          server.close();
          await closed;
        }),
      );
    },
  };
}

const portOf = (server: Server): number => (server.address() as AddressInfo).port;

/** One connection of a client to a member. */
interface Link {
  /** Something that was sent on it is lost. */
  isLossy(): boolean;
  close(): void;
}

interface LinkOptions {
  /** The address that clients know for one of a member's. */
  readonly ownAddressOf: (address: string) => string | undefined;
  readonly disturbance: () => Disturbance | undefined;
  /** A command was met. */
  readonly met: () => void;
}

function openLink(
  client: Socket,
  { host, port }: ServerAddress,
  { ownAddressOf, disturbance, met }: LinkOptions,
): Link {
  const server = connect(port, host);
  /** Commands whose replies are to be lost, by their numbers. */
  const losing = new Set<number>();
  let isLossy = false;
  let isSilent = false;
  /** Frames keep their order, also behind one that waits. */
  let waiting: Promise<void> = Promise.resolve();
  let isWaiting = false;

  const close = (): void => {
    client.destroy();
    server.destroy();
  };

  const send = (frame: Buffer): void => {
    if (isWaiting) void waiting.then(() => server.write(frame));
    else server.write(frame);
  };

  function later(frame: Buffer, delayMs: number): void {
    isWaiting = true;
    const turn = waiting
      .then(() => new Promise<void>((resolve) => setTimeout(resolve, delayMs).unref()))
      .then(() => void server.write(frame))
      .finally(() => {
        if (waiting === turn) isWaiting = false;
      });
    waiting = turn;
  }

  function fromClient(frame: Buffer): void {
    const now = disturbance();
    const { requestId, body } = readMessage(frame);
    const name = commandName(body);
    if (now?.kind === 'cut-off') {
      isLossy = true;
      if (!isPassing(name)) met();
      return;
    }
    if (isGreeting(name)) return send(withoutCompression(frame));
    if (now === undefined || isPassing(name) || !now.meets()) return send(frame);
    met();
    switch (now.kind) {
      case 'reset':
        return close();
      case 'delay':
        return later(frame, now.delayMs ?? 0);
      case 'half-open':
        isLossy = true;
        isSilent = true;
        return send(frame);
      case 'lost-reply':
        losing.add(requestId);
        return send(frame);
    }
  }

  function fromServer(frame: Buffer): void {
    if (disturbance()?.kind === 'cut-off') isLossy = true;
    else if (losing.has(frame.readInt32LE(8))) close();
    else if (!isSilent) client.write(asMember(frame, ownAddressOf));
  }

  const guarded = (read: (data: Buffer) => void) => (data: Buffer) => {
    try {
      read(data);
    } catch {
      // The client sees a closed connection, as behind any proxy that can't read what passes.
      close();
    }
  };
  client.on('data', guarded(frameSplitter(fromClient)));
  server.on('data', guarded(frameSplitter(fromServer)));
  for (const socket of [client, server]) {
    socket.setNoDelay(true);
    socket.on('close', close);
    // Drivers and killed servers reset connections. 'close' follows each error.
    socket.on('error', () => undefined);
  }
  return { isLossy: () => isLossy, close };
}
