import type { MongoClient } from 'mongodb';

/**
 * The clock of a run at the gate: counts the replies that its clients got. There is one at a time, so the count orders all that
 * happens, and is the same when the schedule is run again.
 *
 * All clients call at once and then wait at the gate. A call that was held back until the others were done might as well have
 * come only then; so it counts as begun just before the first reply after it.
 */
export class StepClock {
  #replies = 0;
  readonly #begun: Begun[] = [];

  now(): number {
    return this.#replies;
  }

  /** A call of this client begins. */
  begin(client: MongoClient): { readonly atStep: number } {
    const begun = { client, atStep: this.#replies, waits: true };
    this.#begun.push(begun);
    return begun;
  }

  /** Counts the client's replies, until the returned function is called. The client must have been made with `monitorCommands`. */
  follow(client: MongoClient): () => void {
    const count = (): void => {
      this.#replies++;
      for (const begun of this.#begun) {
        if (begun.client !== client || !begun.waits) continue;
        begun.atStep = this.#replies - 0.5;
        begun.waits = false;
      }
    };
    client.on('commandSucceeded', count).on('commandFailed', count);
    return () => void client.off('commandSucceeded', count).off('commandFailed', count);
  }
}

interface Begun {
  readonly client: MongoClient;
  atStep: number;
  waits: boolean;
}
