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

/** A loop that was left is tried in so many places. */
const MAX_PLACES = 16;

/**
 * What is known of the loops of a session. The wire does not show whether a loop counts its attempts, so each loop is tried once when it is
 * met for the first time: its client alone goes on, and nothing changes. A loop that is left is bounded, and each of its repetitions counts.
 * A loop that is not left is taken to be endless, and its client awaits a change. The same commands after another step may be another loop of
 * the flow: where one was left, the other is tried too.
 */
export class LoopBook {
  /** By loop, then by the step before it. */
  readonly #trials = new Map<string, Map<string, Trial>>();

  /** @param database the worker's, whose name does not tell loops apart */
  of(loop: Loop, database: string): Trial | undefined {
    const trials = this.#trialsOf(loop, database);
    const known = trials.get(placeOf(loop, database));
    if (known !== undefined) return known;
    const others = [...trials.values()];
    const bounded = others.find(({ isEndless }) => !isEndless);
    return bounded === undefined || others.length >= MAX_PLACES ? (bounded ?? others[0]) : undefined;
  }

  /** The loop was not left either when all clients had nothing else to do. */
  outlasted(loop: Loop, database: string, repetitions: number): void {
    const trial = this.of(loop, database);
    if (trial?.isEndless === true) this.#set(loop, database, { ...trial, atEnd: repetitions });
  }

  /** A client has left the loop. */
  refute(loop: Loop, database: string): void {
    this.#set(loop, database, { isEndless: false, repetitions: 0 });
  }

  /** Of two workers that try a loop at once, the first decides for both. */
  add(loop: Loop, database: string, trial: Trial): void {
    if (!this.#trialsOf(loop, database).has(placeOf(loop, database))) this.#set(loop, database, trial);
  }

  #set(loop: Loop, database: string, trial: Trial): void {
    this.#trialsOf(loop, database).set(placeOf(loop, database), trial);
  }

  #trialsOf(loop: Loop, database: string): Map<string, Trial> {
    const key = keyOf(loop, database);
    const known = this.#trials.get(key) ?? new Map<string, Trial>();
    this.#trials.set(key, known);
    return known;
  }
}

/** Watches whether a client that awaited a change goes on as its loop says. */
export class AwaitCheck {
  readonly #awaited = new Map<number, { readonly loop: Loop; at: number }>();

  /** The client awaits a change. */
  awaits(loop: Loop): void {
    this.#awaited.set(loop.client, { loop, at: 0 });
  }

  /** The client begins again, after a crash. */
  forget(client: number): void {
    this.#awaited.delete(client);
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

const placeOf = ({ before }: Loop, database: string): string => before.replaceAll(database, 'database');

/** The same commands with other replies are another loop. */
const keyOf = ({ client, steps }: Loop, database: string): string =>
  JSON.stringify([
    client,
    ...steps.flatMap(({ body, reply }) => [textOf(body), reply === undefined ? '' : textOf(reply)]),
  ]).replaceAll(database, 'database');
