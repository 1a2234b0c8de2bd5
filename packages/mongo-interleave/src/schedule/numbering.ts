import type { HeldCommand } from '../gate/gate.ts';
import { contentOf } from './content.ts';

/** A held command with its place among all commands of its client. */
export interface Numbered {
  readonly command: HeldCommand;
  /** From 0. */
  readonly number: number;
}

/**
 * Numbers the commands of each client through one run. In which order a client sends what it sends at once depends on how
 * many connections it has by then, so new ones are put in the order of their content; a replay finds the same.
 */
export class Numbering {
  readonly #numbers = new Map<HeldCommand, number>();
  readonly #counts = new Map<number, number>();

  /** @returns the same commands by client and number */
  number(held: readonly HeldCommand[]): Numbered[] {
    const fresh = held.filter((command) => !this.#numbers.has(command));
    const texts = new Map(fresh.length > 1 ? fresh.map((command) => [command, contentOf(command.body)]) : []);
    for (const command of fresh.toSorted((one, other) => compare(texts.get(one), texts.get(other)))) {
      const count = this.#counts.get(command.client) ?? 0;
      this.#numbers.set(command, count);
      this.#counts.set(command.client, count + 1);
    }
    return held
      .map((command) => ({ command, number: this.#numbers.get(command) ?? 0 }))
      .toSorted((one, other) => one.command.client - other.command.client || one.number - other.number);
  }
}

const compare = (one = '', other = ''): number => (one < other ? -1 : one > other ? 1 : 0);
