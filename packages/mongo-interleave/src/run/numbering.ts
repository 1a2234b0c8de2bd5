import { contentWith } from '../footprint/known-fields.ts';
import type { ValueNames } from '../footprint/value-names.ts';
import type { HeldCommand } from '../gate/held-command.ts';
import type { Fields } from '../gate/message.ts';
import type { Rehearsed } from './rehearsed.ts';

/** A held command with its number among all commands of its client. */
export interface Numbered {
  readonly command: HeldCommand;
  /** From 0. */
  readonly number: number;
}

/** Fields of a command that differ between two runs of one schedule. */
const VOLATILE: ReadonlySet<string> = new Set(['$clusterTime', '$db', 'lsid', 'recoveryToken', 'txnNumber']);

/**
 * Numbers the commands of each client through one run. The order in which a client sends commands at once depends on how many
 * connections the driver has open by then, which differs from run to run. So commands that arrive together are numbered by what is the
 * same in each run: what the rehearsal has met, and the places of values that came up before. Those that look alike are numbered in the
 * order in which the driver has made them.
 */
export class Numbering {
  readonly #names: ValueNames;
  readonly #rehearsed: Rehearsed;
  readonly #numbers = new Map<HeldCommand, number>();
  readonly #counts = new Map<number, number>();

  constructor(names: ValueNames, rehearsed: Rehearsed) {
    this.#names = names;
    this.#rehearsed = rehearsed;
  }

  /** The number of a command that was numbered. */
  numberOf(command: HeldCommand): number {
    return this.#numbers.get(command) ?? 0;
  }

  /**
   * @param held by client, then in the order sent
   * @returns the same commands, ordered by client and number
   */
  number(held: readonly HeldCommand[]): Numbered[] {
    const fresh = held.filter((command) => !this.#numbers.has(command));
    const texts = new Map(fresh.length > 1 ? fresh.map((command) => [command, this.#contentOf(command.body)]) : []);
    for (const command of fresh.toSorted((one, other) => compare(texts.get(one), texts.get(other)))) {
      const count = this.#counts.get(command.client) ?? 0;
      this.#numbers.set(command, count);
      this.#counts.set(command.client, count + 1);
    }
    return held
      .map((command) => ({ command, number: this.numberOf(command) }))
      .toSorted((one, other) => one.command.client - other.command.client || one.number - other.number);
  }

  /** A command as text that is the same in each run. */
  #contentOf(body: Fields): string {
    return Object.entries(body)
      .filter(([name]) => !VOLATILE.has(name))
      .map(([name, value]) => `${name}:${this.#steady(value)}`)
      .join();
  }

  #steady(value: unknown): string {
    return contentWith(
      value,
      (text) => (this.#rehearsed.hasText(text) ? text : (this.#names.placeOf(text) ?? '')),
      (name) => this.#steadyField(name),
    );
  }

  #steadyField(name: string): string {
    return name.startsWith('$') || this.#rehearsed.hasField(name) ? JSON.stringify(name) : '';
  }
}

const compare = (one = '', other = ''): number => (one < other ? -1 : one > other ? 1 : 0);
