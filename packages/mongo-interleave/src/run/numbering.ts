import { contentOf } from '../gate/content.ts';
import type { HeldCommand } from '../gate/held-command.ts';

/** A held command with its number among all commands of its client. */
export interface Numbered {
  readonly command: HeldCommand;
  /** From 0. */
  readonly number: number;
}

/**
 * Numbers the commands of each client through one run. The order in which a client sends commands at once depends on how many
 * connections the driver has open by then, which differs from run to run. So commands that arrive together are numbered by content.
 */
export class Numbering {
  readonly #numbers = new Map<HeldCommand, number>();
  readonly #counts = new Map<number, number>();

  /** The number of a command that was numbered. */
  numberOf(command: HeldCommand): number {
    return this.#numbers.get(command) ?? 0;
  }

  /** @returns the same commands, ordered by client and number */
  number(held: readonly HeldCommand[]): Numbered[] {
    const fresh = held.filter((command) => !this.#numbers.has(command));
    const texts = new Map(fresh.length > 1 ? fresh.map((command) => [command, contentOf(command.body)]) : []);
    for (const command of fresh.toSorted((one, other) => compare(texts.get(one), texts.get(other)))) {
      const count = this.#counts.get(command.client) ?? 0;
      this.#numbers.set(command, count);
      this.#counts.set(command.client, count + 1);
    }
    return held
      .map((command) => ({ command, number: this.numberOf(command) }))
      .toSorted((one, other) => one.command.client - other.command.client || one.number - other.number);
  }
}

const compare = (one = '', other = ''): number => (one < other ? -1 : one > other ? 1 : 0);
