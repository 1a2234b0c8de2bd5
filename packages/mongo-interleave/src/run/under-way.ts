import { setImmediate as turn } from 'node:timers/promises';
import type { MongoClient } from 'mongodb';

/** Counts the operations of a client that have a connection or wait for one. */
export class UnderWay {
  #count = 0;

  constructor(client: MongoClient) {
    client.on('connectionCheckOutStarted', () => this.#count++);
    client.on('connectionCheckOutFailed', () => this.#count--);
    client.on('connectionCheckedIn', () => this.#count--);
  }

  /** Asked after a function of the user has returned: what it did not await is still under way, or begins in the next turn of the event loop. */
  async count(): Promise<number> {
    await turn();
    return this.#count;
  }
}
