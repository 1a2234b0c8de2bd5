import { MongoClient, type MongoClientOptions } from 'mongodb';
import { clientLetter, type Gate } from './gate/gate.ts';
import type { FlowClient } from './options.ts';

/** A flow's client whose commands under way are counted, which tells when all that it sends at once is at the gate. */
export interface GatedClient extends Omit<FlowClient, 'life'> {
  /** Commands that have asked for a connection and not given it back. */
  readonly underWay: () => number;
}

/** Connects client `index` through its port. */
export async function connectGatedClient(gate: Gate, index: number, options: MongoClientOptions): Promise<GatedClient> {
  const uri = gate.uri(index);
  const mongo = new MongoClient(uri, options);
  let underWay = 0;
  mongo.on('connectionCheckOutStarted', () => underWay++);
  const ended = (): void => {
    underWay--;
    gate.look();
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
