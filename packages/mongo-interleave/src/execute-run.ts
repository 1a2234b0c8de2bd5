import { writeFileSync } from 'node:fs';
import type { DrawnValues } from './footprint/drawn-names.ts';
import type { Footprint } from './footprint/footprint.ts';
import type { Transactions } from './footprint/transactions.ts';
import { clientLetter, type Gate, type HeldCommand } from './gate/gate.ts';
import type { Fields } from './gate/message.ts';
import type { GatedClient } from './gated-client.ts';
import { InterleaveError } from './interleave-error.ts';
import type { InterleaveOptions } from './options.ts';
import type { Outcome } from './run-result.ts';
import { Numbering, type Numbered } from './schedule/numbering.ts';
import { formatToken, type Choice } from './schedule/token.ts';
import type { TraceStep, TraceWriter } from './schedule/trace.ts';
import { takeStep, type FaultMaker } from './take-step.ts';

/** A command that may be released now. */
export interface Offer {
  /** With a `fault` when the chooser wants one. */
  readonly choice: Choice;
  /** Letter, count, name and collection: tells it from all else in the run, and says so when a replay differs. */
  readonly id: string;
  readonly command: HeldCommand;
  /** What it would touch if it went through, as far as the command alone tells. */
  readonly predict: () => Footprint;
}

/** Who decides. May throw: the clients then run to their ends one after the other, and the error is thrown. */
export interface Chooser {
  /** Clients that take part; default all. */
  readonly participants?: ReadonlySet<number>;
  choose(offers: readonly Offer[], step: number): Offer;
  took(footprint: Footprint): void;
}

export interface RunSetup<T> {
  readonly gate: Gate;
  readonly clients: readonly GatedClient[];
  readonly transactions: Transactions;
  readonly drawn: DrawnValues;
  readonly writer: TraceWriter;
  readonly faults: FaultMaker;
  readonly onStep: (step: TraceStep) => Promise<void> | void;
  readonly options: Pick<InterleaveOptions<T>, 'flow' | 'database' | 'tokenFile'> & { readonly stepLimit: number };
}

/** One release, and what there was to choose from. */
export interface Taken {
  readonly choice: Choice;
  /** Clients that had a command to release. */
  readonly offered: readonly number[];
  readonly footprint: Footprint;
  /** Both whole; they may hold credentials. */
  readonly command: Fields;
  /** Missing where the server was not asked. */
  readonly reply: Fields | undefined;
}

export interface Executed<T> {
  readonly token: string;
  readonly taken: readonly Taken[];
  readonly trace: readonly TraceStep[];
  readonly outcomes: readonly Outcome<T>[];
  /** What the chooser threw, if anything. */
  readonly refusal: unknown;
}

/**
 * One run: releases one command, awaits its reply, delivers it, waits until every live client is at the gate or done, and only
 * then chooses again.
 *
 * @throws InterleaveError `stuck`, `step-limit`, and what the gate throws; clients hang at the gate then
 */
export async function executeRun<T>(setup: RunSetup<T>, chooser: Chooser): Promise<Executed<T>> {
  const { gate, transactions, options } = setup;
  const flows = setup.clients.map((client): Promise<Outcome<T>> =>
    chooser.participants?.has(client.index) === false ? Promise.resolve({ kind: 'absent' }) : enter(setup, client, 0),
  );
  const lives = flows.map(() => 0);
  const numbering = new Numbering();
  const taken: Taken[] = [];
  const trace: TraceStep[] = [];
  let refusal: unknown;
  for (;;) {
    const held = numbering.number(await gate.quiet());
    if (held.length === 0) break;
    const offers = offersOf(held, transactions);
    const [first] = offers;
    if (first === undefined) {
      const abandoned = transactions.abandonedSessions;
      if (abandoned.length === 0) throw stuck(held);
      await setup.faults.outlast(abandoned);
      transactions.endAbandoned();
      continue;
    }
    if (trace.length === options.stepLimit) throw tooLong(options.stepLimit, tokenOf(taken));
    let chosen = first;
    try {
      if (refusal === undefined) chosen = chooser.choose(offers, trace.length);
    } catch (error) {
      refusal = error;
    }
    const { choice, command } = chosen;
    const waiting = waitingOf(held, offers, transactions);
    // Not emptied first: it could be all that is left.
    if (options.tokenFile !== undefined)
      writeFileSync(options.tokenFile, `${formatToken([...taken.map((one) => one.choice), choice])}\n`, { flag: 'r+' });
    const { step, reply, restarted, ...touched } = await takeStep(setup, command, choice.fault);
    const footprint = setup.drawn.rename(touched.footprint, choice.client);
    trace.push({ ...step, ...waiting });
    await setup.onStep(step);
    const offered = [...new Set(offers.map((offer) => offer.choice.client))];
    taken.push({ choice, offered, footprint, command: command.body, reply });
    if (refusal === undefined) chooser.took(footprint);
    if (restarted !== undefined) {
      const { index } = restarted;
      const life = (lives[index] ?? 0) + 1;
      lives[index] = life;
      flows[index] = enter(setup, restarted, life);
    }
  }
  return { token: tokenOf(taken), taken, trace, outcomes: await Promise.all(flows), refusal };
}

function enter<T>({ gate, options }: RunSetup<T>, client: GatedClient, life: number): Promise<Outcome<T>> {
  const { index, letter, mongo, uri } = client;
  const flow = () => options.flow({ index, letter, mongo, uri, life }, mongo.db(options.database));
  return gate.enter(index, flow, client.underWay).then(
    (value) => ({ kind: 'returned', value }),
    (error: unknown) => ({ kind: 'threw', error }),
  );
}

function offersOf(held: readonly Numbered[], transactions: Transactions): Offer[] {
  return held.flatMap(({ command, number }) => {
    if (!transactions.isOffered(command)) return [];
    const { client } = command;
    const own = held.filter((other) => other.command.client === client);
    const position = own.findIndex((other) => other.command === command);
    const predict = (): Footprint => transactions.predict(command);
    return [{ command, choice: { client, position }, id: describe({ command, number }), predict }];
  });
}

/** Why the others could not be chosen. */
function waitingOf(
  held: readonly Numbered[],
  offers: readonly Offer[],
  transactions: Transactions,
): Pick<TraceStep, 'waiting'> {
  if (offers.length === held.length) return {};
  const offered = new Set(offers.map(({ command }) => command));
  const waiting = held.flatMap(({ command }) => {
    if (offered.has(command)) return [];
    const names = transactions
      .blockersOf(command)
      .map((client) => (client === undefined ? 'a client that crashed' : clientLetter(client)));
    return [`${clientLetter(command.client)} waits for ${names.join(', ')}`];
  });
  return { waiting };
}

/** As in `A0 find keys`. */
function describe({ command: { client, name, body }, number }: Numbered): string {
  const collection = body[name];
  return `${clientLetter(client)}${number} ${name}${typeof collection === 'string' ? ` ${collection}` : ''}`;
}

const tokenOf = (taken: readonly Taken[]): string => formatToken(taken.map(({ choice }) => choice));

const stuck = (held: readonly Numbered[]): InterleaveError =>
  new InterleaveError(
    'stuck',
    `Each held command would wait in the server for an open transaction that no client will end: ${held.map(describe).join(', ')}.`,
  );

const tooLong = (limit: number, token: string): InterleaveError =>
  new InterleaveError('step-limit', `Not over after ${limit} steps (stepLimit); it began with ${token.slice(0, 200)}`);
