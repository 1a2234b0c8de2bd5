import { MongoClient, type MongoClientOptions } from 'mongodb';
import { InterleaveError } from '../interleave-error.ts';
import { clientLetter } from './client-letter.ts';
import { CommandsUnderWay, type TrackableClient } from './commands-under-way.ts';
import type { ClientSocket } from './connections.ts';
import type { Gate } from './gate.ts';

/** A client that is connected through the gate. */
export interface GatedClient {
  /** 0 to n-1. */
  readonly index: number;
  /** `A` is client 0. */
  readonly letter: string;
  /** The driver's client, connected through this client's own port of the gate. */
  readonly mongo: MongoClient;
  /**
   * URI of this client's port of the gate, for another driver, or for a flow that runs in another process. Each life has another port. A
   * flow in another process must send one command at a time.
   */
  readonly uri: string;
  /**
   * Tells the gate of another `MongoClient` that is connected to {@link GatedClient.uri}: of a package's own copy of the driver, of
   * mongoose (`connection.getClient()`), of any official Node.js driver from 3.7 to 7. The gate then knows of commands that it sends at
   * once. The client is closed when the life ends.
   *
   * @returns the same client
   */
  readonly track: <C extends TrackableClient>(client: C) => C;
  /** Lets the gate ask a thread in which the client's flow runs for its ends of connections. */
  readonly remote: (ask: () => Promise<readonly ClientSocket[]>) => void;
  /** Number of commands that the drivers have begun and not ended. Tells when all commands sent at once have reached the gate. */
  readonly underWay: () => number;
  /** The flow has closed `mongo`. */
  readonly isClosed: () => boolean;
  /** Closes `mongo` and all tracked clients. */
  close(): Promise<void>;
}

/**
 * The client hears of a new primary at once. With the default pause between two heartbeats it hears nothing in the first half second after
 * it has connected, and then at a moment that no schedule decides.
 */
const HEARS_AT_ONCE = { serverMonitoringMode: 'stream', minHeartbeatFrequencyMS: 1 } as const;

/** Connects client `index` through its port of the gate. */
export async function connectGatedClient(gate: Gate, index: number, options: MongoClientOptions): Promise<GatedClient> {
  const uri = gate.uri(index);
  const letter = clientLetter(index);
  const isOwn = gate.ownPorts(index);
  const commands = new CommandsUnderWay(() => gate.recheck());
  const track = <C extends TrackableClient>(client: C): C => {
    commands.track(client, (address) => {
      if (!isOwn(Number(address.slice(address.lastIndexOf(':') + 1)))) gate.fail(elsewhere(letter, address));
    });
    return client;
  };
  const mongo = track(new MongoClient(uri, gate.followsPrimary ? { ...HEARS_AT_ONCE, ...options } : options));
  const hears = Promise.withResolvers<void>();
  mongo.on('serverHeartbeatStarted', ({ awaited }) => {
    if (awaited) hears.resolve();
  });
  let isClosed = false;
  mongo.on('topologyClosed', () => {
    isClosed = true;
  });
  try {
    await mongo.connect();
    const isToHear = gate.followsPrimary && mongo.options.serverMonitoringMode === HEARS_AT_ONCE.serverMonitoringMode;
    if (isToHear) await gate.pass(`${letter} to hear of the primary`, () => hears.promise);
  } catch (error) {
    await mongo.close();
    throw gate.failure ?? error;
  }
  const remote: GatedClient['remote'] = (ask) => gate.remote(index, ask);
  return {
    index,
    letter,
    mongo,
    uri,
    track,
    remote,
    underWay: () => commands.count(),
    isClosed: () => isClosed,
    close: () => commands.close(),
  };
}

const elsewhere = (letter: string, address: string): InterleaveError =>
  new InterleaveError(
    'invalid-option',
    `A client that ${letter} tracks sends its commands to ${address}, past the gate. Connect it to client.uri, in each life again.`,
  );
