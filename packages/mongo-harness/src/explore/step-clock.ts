/**
 * The clock of a schedule: counts its steps. Steps are taken one at a time, so the count orders all that happens, and is the same
 * when the schedule is run again.
 *
 * All clients call at once and then wait at the gate. A call that was held back until the others were done might as well have
 * come only then. So a call counts as invoked half a step before its client's first step after it.
 */
export class StepClock {
  #steps = 0;
  readonly #invoked: Invoked[] = [];

  now(): number {
    return this.#steps;
  }

  /** A call of this client is invoked. */
  invoke(client: number): { readonly atMs: number } {
    const invoked = { client, atMs: this.#steps, waits: true };
    this.#invoked.push(invoked);
    return invoked;
  }

  /** One of this client's commands was let through. */
  step(client: number): void {
    this.#steps++;
    for (const invoked of this.#invoked) {
      if (invoked.client !== client || !invoked.waits) continue;
      invoked.atMs = this.#steps - 0.5;
      invoked.waits = false;
    }
  }
}

interface Invoked {
  readonly client: number;
  atMs: number;
  waits: boolean;
}
