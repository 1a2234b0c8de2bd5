import type { Footprint } from './footprint/footprint.ts';
import type { Transactions } from './footprint/transactions.ts';
import { clientLetter, type Gate, type HeldCommand } from './gate/gate.ts';
import type { GatedClient } from './gated-client.ts';
import { InterleaveError } from './interleave-error.ts';
import type { InterleaveOptions } from './options.ts';
import type { Outcome } from './run-result.ts';
import { Numbering, type Numbered } from './schedule/numbering.ts';
import { formatToken, type Choice } from './schedule/token.ts';
import type { TraceStep, TraceWriter } from './schedule/trace.ts';

/** A command that may be released now. */
export interface Offer {
  readonly choice: Choice;
  /** Letter, count, name and collection: tells it from all else in the run, and says so when a replay differs. */
  readonly id: string;
  readonly command: HeldCommand;
}

/** Who decides. May throw: the clients then run to their ends one after the other, and the error is thrown. */
export interface Chooser {
  choose(offers: readonly Offer[], step: number): Offer;
  took(footprint: Footprint): void;
}

export interface RunSetup<T> {
  readonly gate: Gate;
  readonly clients: readonly GatedClient[];
  readonly transactions: Transactions;
  readonly writer: TraceWriter;
  readonly options: Pick<InterleaveOptions<T>, 'flow' | 'database'> & { readonly stepLimit: number };
}

export interface Executed<T> {
  readonly token: string;
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
  const { gate, transactions, writer, options } = setup;
  const flows = setup.clients.map((client) => enter(setup, client));
  const numbering = new Numbering();
  const choices: Choice[] = [];
  const trace: TraceStep[] = [];
  let refusal: unknown;
  for (;;) {
    const held = numbering.number(await gate.quiet());
    if (held.length === 0) break;
    const offers = offersOf(held, transactions);
    const [first] = offers;
    if (first === undefined) throw stuck(held);
    if (trace.length === options.stepLimit) throw tooLong(options.stepLimit, formatToken(choices));
    let chosen = first;
    try {
      if (refusal === undefined) chosen = chooser.choose(offers, trace.length);
    } catch (error) {
      refusal = error;
    }
    const { command, choice } = chosen;
    const reply = await gate.release(command);
    choices.push(choice);
    trace.push(writer.step(command, reply.body));
    const footprint = transactions.follow(command, reply.body);
    if (refusal === undefined) chooser.took(footprint);
    reply.deliver();
  }
  return { token: formatToken(choices), trace, outcomes: await Promise.all(flows), refusal };
}

function enter<T>({ gate, options }: RunSetup<T>, client: GatedClient): Promise<Outcome<T>> {
  const flow = () => options.flow(client, client.mongo.db(options.database));
  return gate.enter(client.index, flow, client.underWay).then(
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
    return [{ command, choice: { client, position }, id: describe({ command, number }) }];
  });
}

/** As in `A0 find keys`. */
function describe({ command: { client, name, body }, number }: Numbered): string {
  const collection = body[name];
  return `${clientLetter(client)}${number} ${name}${typeof collection === 'string' ? ` ${collection}` : ''}`;
}

const stuck = (held: readonly Numbered[]): InterleaveError =>
  new InterleaveError(
    'stuck',
    `Each held command would wait in the server for an open transaction that no client will end: ${held.map(describe).join(', ')}.`,
  );

const tooLong = (limit: number, token: string): InterleaveError =>
  new InterleaveError('step-limit', `Not over after ${limit} steps (stepLimit); it began with ${token.slice(0, 200)}`);
