import { MongoClient, type MongoClientOptions } from 'mongodb';
import { clientLetter } from './client-letter.ts';
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
   * URI of this client's port of the gate, for a flow that runs in another process. Each life has another port. Such a flow must send one
   * command at a time.
   */
  readonly uri: string;
  /** Number of commands that the driver has begun and not ended. Tells when all commands sent at once have reached the gate. */
  readonly underWay: () => number;
}

/** Connects client `index` through its port of the gate. */
export async function connectGatedClient(gate: Gate, index: number, options: MongoClientOptions): Promise<GatedClient> {
  const uri = gate.uri(index);
  const mongo = new MongoClient(uri, options);
  let underWay = 0;
  mongo.on('connectionCheckOutStarted', () => underWay++);
  const ended = (): void => {
    underWay--;
    gate.recheck();
  };
  mongo.on('connectionCheckOutFailed', ended);
  mongo.on('connectionCheckedIn', ended);
  try {
    await mongo.connect();
  } catch (error) {
    await mongo.close();
    throw gate.failure ?? error;
  }
  return { index, letter: clientLetter(index), mongo, uri, underWay: () => underWay };
}
