/**
 * The clock of a run at the gate: counts its steps. There is one at a time, so the count orders all that happens, and is the same
 * when the schedule is run again.
 *
 * All clients call at once and then wait at the gate. A call that was held back until the others were done might as well have
 * come only then; so it counts as begun just before the first step of its client after it.
 */
export class StepClock {
  #steps = 0;
  readonly #begun: Begun[] = [];

  now(): number {
    return this.#steps;
  }

  /** A call of this client begins. */
  begin(client: number): { readonly atStep: number } {
    const begun = { client, atStep: this.#steps, waits: true };
    this.#begun.push(begun);
    return begun;
  }

  /** One of this client's commands was let through. */
  step(client: number): void {
    this.#steps++;
    for (const begun of this.#begun) {
      if (begun.client !== client || !begun.waits) continue;
      begun.atStep = this.#steps - 0.5;
      begun.waits = false;
    }
  }
}

interface Begun {
  readonly client: number;
  atStep: number;
  waits: boolean;
}
