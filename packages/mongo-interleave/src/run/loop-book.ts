import type { HeldCommand } from '../gate/held-command.ts';
import type { Fields } from '../gate/message.ts';
import type { Condition } from './condition.ts';
import { goesOn, repliesAlike, textOf, type Loop } from './loops.ts';

/** What a trial showed. */
interface Trial {
  /** The loop was not left. */
  readonly isEndless: boolean;
  /** So often it was repeated. */
  readonly repetitions: number;
  /** So often it was repeated when nobody was left to change anything; undefined if that was never met. */
  readonly atEnd?: number;
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

  /** The loop was not left either when all clients had nothing else to do. */
  outlasted(loop: Loop, database: string, repetitions: number): void {
    const trial = this.of(loop, database);
    if (trial?.isEndless === true) this.#trials.set(keyOf(loop, database), { ...trial, atEnd: repetitions });
  }

  /** A client has left the loop. */
  refute(loop: Loop, database: string): void {
    this.#trials.set(keyOf(loop, database), { isEndless: false, repetitions: 0 });
  }

  /** Of two workers that try a loop at once, the first decides for both. */
  add(loop: Loop, database: string, trial: Trial): void {
    const key = keyOf(loop, database);
    if (!this.#trials.has(key)) this.#trials.set(key, trial);
  }
}

/** Watches whether a client that awaited a change goes on as its loop says. */
export class AwaitCheck {
  readonly #awaited = new Map<number, { readonly loop: Loop; at: number }>();

  /** The client awaits a change. */
  awaits(loop: Loop): void {
    this.#awaited.set(loop.client, { loop, at: 0 });
  }

  /** To be called with each step of a client. A reply that is new to the client may lead it anywhere. */
  took(command: HeldCommand, reply: Fields | undefined): void {
    const awaited = this.#awaited.get(command.client);
    if (awaited === undefined) return;
    if (goesOn(awaited.loop, awaited.at, command) && repliesAlike(awaited.loop, awaited.at, reply)) awaited.at++;
    else this.#awaited.delete(command.client);
  }

  /**
   * A loop that its client has left although all replies were as before: the client counts its attempts, or decides by something else.
   *
   * @param next the next command of the client; undefined if its flow has ended
   */
  leftBy(client: number, next: HeldCommand | undefined): Loop | undefined {
    const awaited = this.#awaited.get(client);
    if (awaited === undefined || awaited.at === 0) return undefined;
    return next !== undefined && goesOn(awaited.loop, awaited.at, next) ? undefined : awaited.loop;
  }
}

export const conditionOf = ({ client, steps }: Loop, { repetitions }: Trial): Condition => ({
  kind: 'awaits',
  client,
  commands: steps.map(({ name }) => name),
  repetitions,
});

/** The same commands with other replies are another loop. */
const keyOf = ({ client, steps }: Loop, database: string): string =>
  JSON.stringify([
    client,
    ...steps.flatMap(({ body, reply }) => [textOf(body), reply === undefined ? '' : textOf(reply)]),
  ]).replaceAll(database, 'database');
