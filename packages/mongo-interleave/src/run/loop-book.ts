import type { Condition } from './condition.ts';
import type { Loop } from './loops.ts';

/** What a trial showed. */
interface Trial {
  /** The loop was not left. */
  readonly isEndless: boolean;
  /** So often it was repeated. */
  readonly repetitions: number;
}

/**
 * What is known of the loops of a session. The wire does not show whether a loop counts its attempts, so each loop is tried once when it is
 * met for the first time: its client alone goes on, and nothing changes. A loop that is left is bounded, and each of its repetitions counts.
 * A loop that is not left is taken to be endless, and its client awaits a change.
 */
export class LoopBook {
  readonly #trials = new Map<string, Trial>();

  /** @param database the worker's, whose name does not tell loops apart */
  of(loop: Loop, database: string): Trial | undefined {
    return this.#trials.get(keyOf(loop, database));
  }

  /** Of two workers that try a loop at once, the first decides for both. */
  add(loop: Loop, database: string, trial: Trial): void {
    const key = keyOf(loop, database);
    if (!this.#trials.has(key)) this.#trials.set(key, trial);
  }
}

export const conditionOf = ({ client, steps }: Loop, { repetitions }: Trial): Condition => ({
  kind: 'awaits',
  client,
  commands: steps.map(({ name }) => name),
  repetitions,
});

const keyOf = ({ client, steps }: Loop, database: string): string =>
  JSON.stringify([client, ...steps.map(({ content }) => content.replaceAll(JSON.stringify(database), '"database"'))]);
