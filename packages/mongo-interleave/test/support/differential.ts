import {
  MongoClient,
  MongoServerError,
  type ClientSession,
  type Db,
  type Document,
  type MongoClientOptions,
} from 'mongodb';
import type { FlowClient, InterleaveOptions, InterleaveSession, Outcome, interleave } from '../../src/index.ts';
import { seededRandom } from '../../src/strategy/seeded-random.ts';
import {
  OUTSIDE_TRANSACTIONS,
  SHELVES,
  createShelves,
  describeError,
  describeStatement,
  drawStatement,
  generatedText,
  runStatement,
  shelfOf,
  startDocuments,
  type Draw,
  type Focus,
  type Statement,
} from './random-commands.ts';

/*
 * Does the search leave out nothing? For a flow that was drawn at random, the results of all orders, one by one, are compared with the
 * results of one order of each class. A result is all that anybody can see: what each client was answered, and the data at the end.
 */

/** What one client does: statements one after the other, or a list of them at once. */
interface Program {
  readonly statements: readonly (Statement | readonly Statement[])[];
  readonly isTransaction: boolean;
  /** Sent as soon as one of the statements at once is answered. */
  readonly chained?: { readonly after: number; readonly statement: Statement };
}

interface RandomFlow {
  readonly seed: number;
  readonly programs: readonly Program[];
}

/** What all flows are about. Default: each draws its own. */
export interface About {
  readonly shelf: string;
  readonly focus: Focus | 'chains';
  readonly clients?: number;
  /** The start state of the shelf. */
  readonly documents?: readonly Document[];
}

/** Flows of one batch have the same start state and number of clients. */
interface Batch {
  readonly clients: number;
  readonly start: Readonly<Record<string, readonly Document[]>>;
  readonly flows: readonly RandomFlow[];
  readonly clientOptions?: MongoClientOptions;
}

const FOCUSES: readonly (Focus | 'chains')[] = [
  ...(['all', 'all', 'all', 'keys', 'keys', 'order', 'cursors', 'tokens', 'chains'] as const),
];
const FLOWS_IN_BATCH = 10;
/** In each so-many-th batch, time passes at the gate: clients pause, and their drivers give up early. */
const TIMED_BATCH = 50;
const SOCKET_TIMEOUT_MS = 40;
/** A flow with more orders is made shorter; if it has more all the same, it is not compared. */
const MAX_ORDERS = 32;
const MAX_ATTEMPTS = 10;
const CONFLICT = 112;

const drawing = (seed: number): Draw => {
  const random = seededRandom(seed);
  return (values) => {
    const drawn = values[Math.floor(random() * values.length)];
    if (values.length === 0) throw new TypeError('nothing to draw');
    return drawn as (typeof values)[number];
  };
};

function drawBatch(batch: number, about?: About): Batch {
  if (batch % TIMED_BATCH === TIMED_BATCH - 1) return drawTimedBatch(batch);
  const draw = drawing(batch + 1_000_000);
  const clients = about?.clients ?? draw([2, 2, 2, 3]);
  const drawn = Object.fromEntries(Object.keys(SHELVES).map((shelf) => [shelf, startDocuments(draw)]));
  const start = about?.documents === undefined ? drawn : { ...drawn, [about.shelf]: about.documents };
  const flows = Array.from({ length: FLOWS_IN_BATCH }, (_, index) =>
    drawFlow(batch * FLOWS_IN_BATCH + index, clients, about),
  );
  return { clients, start, flows };
}

/** Commands that commute, and a pause between two of them: only time makes a difference. */
function drawTimedBatch(batch: number): Batch {
  const pause: Statement = { shelf: 'plain', method: 'pause', args: [] };
  const find = (id: number): Statement => ({ shelf: 'plain', method: 'findOne', args: [{ _id: id }] });
  const programOf = (...statements: readonly Statement[]): Program => ({ statements, isTransaction: false });
  const programs = [programOf(find(1)), programOf(find(2), pause, find(3))];
  const flows = [programs, programs.toReversed()].map((one, index) => ({
    seed: batch * FLOWS_IN_BATCH + index,
    programs: one,
  }));
  const clientOptions = { socketTimeoutMS: SOCKET_TIMEOUT_MS, retryReads: false };
  return { clients: 2, start: { plain: [{ _id: 1 }, { _id: 2 }] }, flows, clientOptions };
}

/** A client that goes on after one of two reads, and one that may answer what it did then. */
function drawChains(seed: number, draw: Draw, shelf: string): RandomFlow {
  const read = (): Statement => ({ shelf, method: 'findOne', args: [{ _id: draw([1, 2]) }] });
  const write = (): Statement => ({ shelf, method: 'updateOne', args: [{ _id: draw([1, 2]) }, { $inc: { n: 1 } }] });
  const chained = { after: draw([0, 1]), statement: write() };
  const programs: Program[] = [
    { isTransaction: false, statements: [[read(), read()]], chained },
    { isTransaction: false, statements: [read(), write()] },
  ];
  return { seed, programs };
}

function drawFlow(seed: number, clients: number, about?: About): RandomFlow {
  const draw = drawing(seed);
  const shelves = Object.keys(SHELVES);
  const main = about?.shelf ?? draw(shelves);
  const second = draw([main, main, draw(shelves)]);
  const others = [main, second].filter((shelf) => shelf !== 'elsewhere');
  const focus = about?.focus ?? draw(FOCUSES);
  if (focus === 'chains') return drawChains(seed, draw, main);
  const one = (): Statement => {
    const shelf = focus === 'all' ? draw([main, main, second]) : main;
    return drawStatement(draw, shelf, others.length > 0 ? others : ['plain'], focus);
  };
  const mode = draw(['plain', 'plain', 'plain', 'transactions', 'both']);
  const lengths = clients === 2 ? [1, 1, 1, 2, 2] : [1, 1, 1, 1, 2];
  const programs = Array.from({ length: clients }, (_, client): Program => {
    const isTransaction = mode === 'transactions' || (mode === 'both' && client === 0);
    const statements = Array.from({ length: draw(lengths) }, one).filter(
      ({ method }) => !isTransaction || !OUTSIDE_TRANSACTIONS.has(method),
    );
    const isAtOnce = !isTransaction && draw([false, false, false, false, true]);
    return { isTransaction, statements: isAtOnce ? [statements] : statements };
  });
  const chained = programs.map((program): Program => {
    const [list] = program.statements;
    if (!Array.isArray(list) || list.length < 2 || draw([true, false])) return program;
    return { ...program, chained: { after: draw([...list.keys()]), statement: one() } };
  });
  return { seed, programs: chained };
}

const describeFlow = ({ seed, programs }: RandomFlow): string =>
  [
    `flow ${seed}`,
    ...programs.map(({ statements, isTransaction, chained }, client) => {
      const texts = statements.map((one) =>
        'method' in one ? describeStatement(one) : `all [ ${one.map(describeStatement).join(' | ')} ]`,
      );
      if (chained !== undefined) texts.push(`after ${chained.after}: ${describeStatement(chained.statement)}`);
      return `  ${String.fromCodePoint(65 + client)}${isTransaction ? ' transaction' : ''}: ${texts.join('; ')}`;
    }),
  ].join('\n');

/** What was compared. */
export interface Comparisons {
  /** Flows, with the order that alone gives some result, and that result. */
  readonly differences: readonly string[];
  readonly compared: number;
  /** Flows with too many orders. */
  readonly skipped: number;
  readonly orders: number;
  readonly classes: number;
}

/**
 * Draws flows and compares them.
 *
 * @param explorer the function `interleave`, of the package or of a changed copy
 * @param maxDifferences stops after so many
 */
export async function compareFlows(
  explorer: typeof interleave,
  { uri, database }: { readonly uri: string; readonly database: string },
  { first, count, about }: { readonly first: number; readonly count: number; readonly about?: About | undefined },
  maxDifferences = Infinity,
): Promise<Comparisons> {
  const differences: string[] = [];
  let [compared, skipped, orders, classes] = [0, 0, 0, 0];
  await using control = new MongoClient(uri);
  await createShelves(control.db(database));
  try {
    for (let batch = Math.floor(first / FLOWS_IN_BATCH); batch * FLOWS_IN_BATCH < first + count; batch++) {
      const drawn = drawBatch(batch, about);
      const differential = new Differential(drawn);
      for (const flow of drawn.flows) {
        await using session = await explorer({ ...differential.options, uri, database });
        const { difference, isSkipped, ...counts } = await differential.compare(session, flow).catch(stoppedShort);
        if (isSkipped) skipped++;
        else compared++;
        orders += counts.orders;
        classes += counts.classes;
        if (difference === undefined) continue;
        const { token, result } = difference;
        differences.push(
          `${describeFlow(difference.flow)}\n  only ${token}: ${result}\n${startOf(drawn, difference.flow)}`,
        );
        if (differences.length >= maxDifferences) return { differences, compared, skipped, orders, classes };
      }
    }
  } finally {
    await control.db(`${database}_2`).dropDatabase();
  }
  return { differences, compared, skipped, orders, classes };
}

/** The start state of the collections that a flow names. */
const startOf = ({ start }: Batch, flow: RandomFlow): string =>
  Object.entries(start)
    .filter(([shelf]) => describeFlow(flow).includes(shelf))
    .map(([shelf, documents]) => `  ${shelf} ${JSON.stringify(documents)}`)
    .join('\n');

/** Results that only some of the orders give. */
interface Difference {
  readonly flow: RandomFlow;
  readonly token: string;
  readonly result: string;
}

interface Comparison {
  readonly orders: number;
  readonly classes: number;
  /** Too many orders, or a run without a verdict: not compared. */
  readonly isSkipped: boolean;
  readonly difference: Difference | undefined;
}

/** Runs the flows of one batch. */
class Differential {
  readonly #batch: Batch;
  #flow: RandomFlow;
  #generated = new Map<string, string>();
  #result = '';

  constructor(batch: Batch) {
    this.#batch = batch;
    this.#flow = batch.flows[0] ?? { seed: 0, programs: [] };
  }

  get options(): Omit<InterleaveOptions<string>, 'uri' | 'database'> {
    const { clients, clientOptions = {} } = this.#batch;
    return {
      clients,
      clientOptions,
      reset: (db) => this.#reset(db),
      flow: (client, db) => this.#run(client, db),
      check: async (db, outcomes) => {
        this.#result = await this.#resultOf(db, outcomes);
      },
    };
  }

  /** @returns the comparison for this flow, made smaller as long as it shows a difference */
  async compare(session: InterleaveSession<string>, flow: RandomFlow): Promise<Comparison> {
    let found = await this.#compare(session, await this.#fitting(session, flow));
    for (let smaller: Comparison | undefined = found; smaller?.difference !== undefined;) {
      found = smaller;
      smaller = undefined;
      for (const candidate of shorter(found.difference?.flow ?? flow)) {
        const comparison = await this.#compare(session, candidate).catch(nothingToCompare);
        if (comparison?.difference === undefined) continue;
        smaller = comparison;
        break;
      }
    }
    return found;
  }

  /** The flow, or as much of it as has few enough orders, as far as its first run tells. */
  async #fitting(session: InterleaveSession<string>, flow: RandomFlow): Promise<RandomFlow> {
    this.#flow = flow;
    const steps: number[] = [];
    await session.explore({
      maxRuns: 1,
      onClass: ({ trace }) => {
        for (const { client } of trace) steps[client] = (steps[client] ?? 0) + 1;
      },
    });
    const longest = flow.programs.toSorted((one, other) => lengthOf(other) - lengthOf(one))[0];
    if (ordersOf(steps) <= MAX_ORDERS || longest === undefined || lengthOf(longest) < 2) return flow;
    const { statements, isTransaction } = longest;
    const fewer = statements.length > 1 ? statements.slice(0, -1) : [statements.flat().slice(0, -1)];
    const programs = flow.programs.with(flow.programs.indexOf(longest), { isTransaction, statements: fewer });
    return this.#fitting(session, { ...flow, programs });
  }

  async #compare(session: InterleaveSession<string>, flow: RandomFlow): Promise<Comparison> {
    this.#flow = flow;
    const all = new Map<string, string>();
    const some = new Set<string>();
    const limits = { maxRuns: MAX_ORDERS, maxDurationMs: 60_000 };
    // With a limit of preemptions no order stands for another.
    const orders = await session.explore({
      ...limits,
      maxPreemptions: MAX_ORDERS,
      onClass: ({ token }) => void all.set(this.#result, token),
    });
    const skipped = { orders: orders.runs, classes: 0, isSkipped: true, difference: undefined };
    if (!orders.complete) return skipped;
    const { classes, complete } = await session.explore({ ...limits, onClass: () => void some.add(this.#result) });
    // It says itself that it does not know.
    if (!complete) return skipped;
    const missing = [...all].find(([result]) => !some.has(result));
    return {
      orders: orders.classes,
      classes,
      isSkipped: false,
      difference: missing === undefined ? undefined : { flow, result: missing[0], token: missing[1] },
    };
  }

  get #shelves(): string[] {
    const used = this.#flow.programs.flatMap(statementsOf).map(({ shelf }) => shelf);
    const looked = Object.keys(SHELVES).filter((shelf) => describeFlow(this.#flow).includes(`"${shelf}"`));
    return [...new Set([...used, ...looked])].toSorted();
  }

  /** The start state is the same for all flows of the batch. */
  get #makesIndex(): boolean {
    const statements = this.#batch.flows.flatMap(({ programs }) => programs.flatMap(statementsOf));
    return statements.some(({ method }) => method === 'createIndex');
  }

  async #reset(db: Db): Promise<void> {
    this.#generated = new Map();
    for (const shelf of this.#shelves) {
      const things = shelfOf(db, shelf);
      if (shelf !== 'plain' && this.#makesIndex) await things.dropIndex('b_1').catch(describeError);
      await things.deleteMany({});
      const documents = structuredClone(this.#batch.start[shelf] ?? []);
      // Some of them are refused by a unique index, the same each time.
      if (documents.length > 0) await things.insertMany(documents as never[], { ordered: false }).catch(describeError);
    }
  }

  async #run({ index, letter, mongo }: FlowClient, db: Db): Promise<string> {
    const program = this.#flow.programs[index];
    if (program === undefined) return 'none';
    let attempt = 0;
    const run = async (statements: Program['statements'], session?: ClientSession): Promise<unknown[]> => {
      const place = {
        db,
        ...(session === undefined ? {} : { session }),
        generate: (name: string) => this.#generate(`${letter} ${attempt} ${name}`),
      };
      const results: unknown[] = [];
      for (const one of statements) {
        const list = 'method' in one ? [one] : one;
        const done = list.map((each, at) => {
          const { after, statement } = program.chained ?? {};
          const result = runStatement(each, place).then(async (answer) =>
            after === at && statement !== undefined ? [answer, await runStatement(statement, place)] : answer,
          );
          return session === undefined ? result.catch(describeError) : result;
        });
        results.push(...(await Promise.all(done)));
      }
      return results;
    };
    if (!program.isTransaction) return JSON.stringify(await run(program.statements));
    for (; attempt < MAX_ATTEMPTS; attempt++) {
      await using session = mongo.startSession({ causalConsistency: false });
      session.startTransaction();
      try {
        const results = await run(program.statements, session);
        await session.commitTransaction();
        return JSON.stringify(results);
      } catch (error) {
        if (session.inTransaction()) await session.abortTransaction();
        if (!(error instanceof MongoServerError) || error.code !== CONFLICT) return describeError(error);
      }
    }
    return 'busy';
  }

  #generate(name: string): string {
    const text = generatedText();
    this.#generated.set(text, name);
    return text;
  }

  async #resultOf(db: Db, outcomes: readonly Outcome<string>[]): Promise<string> {
    const data = await Promise.all(
      this.#shelves.map(async (shelf) => {
        const documents = await shelfOf(db, shelf).find().toArray();
        return [shelf, documents.map((one) => this.#named(one)).toSorted()];
      }),
    );
    return this.#named({ outcomes, data });
  }

  #named(value: unknown): string {
    let text = JSON.stringify(value);
    for (const [generated, name] of this.#generated) text = text.replaceAll(generated, name);
    return text.replaceAll(/[0-9a-f]{24}/g, 'ObjectId');
  }
}

const statementsOf = ({ statements, chained }: Program): readonly Statement[] => [
  ...statements.flat(),
  ...(chained === undefined ? [] : [chained.statement]),
];

const lengthOf = ({ statements }: Program): number => statements.flat().length;

/** In how many orders lists of these lengths can be merged. */
function ordersOf(lengths: readonly number[]): number {
  let [orders, all] = [1, 0];
  for (const length of lengths) for (let one = 1; one <= length; one++) orders = (orders * ++all) / one;
  return orders;
}

/** A command whose client took it back between two waits ends the exploration: that says that it does not know. */
function stoppedShort(error: unknown): Comparison {
  if (!(error instanceof Error && 'code' in error && error.code === 'stopped')) throw error;
  return { orders: 0, classes: 0, isSkipped: true, difference: undefined };
}

/** A flow that became too short: none of its commands reaches the gate. */
function nothingToCompare(error: unknown): undefined {
  if (!(error instanceof Error && 'code' in error && error.code === 'nothing-held')) throw error;
}

/** The same flow with one statement less, or with a client that does nothing. */
function* shorter({ seed, programs }: RandomFlow): Generator<RandomFlow> {
  for (const [client, { statements, isTransaction, chained }] of programs.entries()) {
    if (chained !== undefined) yield { seed, programs: programs.with(client, { statements, isTransaction }) };
    for (const [at, one] of statements.entries()) {
      yield { seed, programs: programs.with(client, { isTransaction, statements: statements.toSpliced(at, 1) }) };
      if ('method' in one) continue;
      for (const each of one.keys()) {
        const fewer = statements.with(at, one.toSpliced(each, 1));
        yield { seed, programs: programs.with(client, { isTransaction, statements: fewer }) };
      }
    }
  }
}
