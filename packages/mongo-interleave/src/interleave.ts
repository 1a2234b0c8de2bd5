import { MongoClient, type Db } from 'mongodb';
import { executeRun, type Chooser, type Executed } from './execute-run.ts';
import { explore, type Exploration } from './explore/explore.ts';
import { findPrimary } from './find-primary.ts';
import { Transactions } from './footprint/transactions.ts';
import { readUniqueKeys, type UniqueKeys } from './footprint/unique-keys.ts';
import { openGate, type Gate } from './gate/gate.ts';
import { connectGatedClient, type GatedClient } from './gated-client.ts';
import { InterleaveError } from './interleave-error.ts';
import type { ExploreOptions, InterleaveOptions } from './options.ts';
import type { RunResult, Verdict } from './run-result.ts';
import { expectWhole, replayChooser } from './schedule/replay.ts';
import { parseToken } from './schedule/token.ts';
import { TraceWriter } from './schedule/trace.ts';

const DEFAULT_STEP_LIMIT = 1_000;

/** A scenario whose clients are connected through the gate. Runs are made one after the other, in the order asked for. */
export interface Interleaving<T> extends AsyncDisposable {
  /**
   * Runs one schedule of each class of equivalent ones.
   *
   * @throws InterleaveError see {@link Interleaving.run}
   */
  explore(options?: ExploreOptions<T>): Promise<Exploration<T>>;

  /**
   * Runs the schedule of a token, to the letter.
   *
   * @throws InterleaveError `invalid-token`; `diverged` when the flows now send other commands; `nothing-held`.
   *   After any other code (`stuck`, `step-limit`, `watchdog`, ...) everything is closed, and a further call throws `stopped`.
   */
  run(token: string): Promise<RunResult<T>>;

  /** Closes clients and ports. The database stays as it is. May be called again. */
  close(): Promise<void>;
}

/**
 * Opens a gate in front of the database, with a port and a client for each caller.
 *
 * @throws InterleaveError `invalid-option`; errors of the driver when the server can't be reached
 */
export async function interleave<T>(options: InterleaveOptions<T>): Promise<Interleaving<T>> {
  const { uri, stepLimit = DEFAULT_STEP_LIMIT } = options;
  if (!Number.isInteger(stepLimit) || stepLimit < 1) {
    throw new InterleaveError('invalid-option', `stepLimit is an integer above 0, not ${stepLimit}.`);
  }
  const control = new MongoClient(uri);
  const { tls, credentials } = control.options;
  if (tls || credentials !== undefined) {
    throw new InterleaveError('invalid-option', 'The gate needs a server without TLS and authentication.');
  }
  let gate: Gate | undefined;
  const clients: GatedClient[] = [];
  try {
    await control.connect();
    const { clients: count, waitLimitMs, clientOptions = {} } = options;
    const server = await findPrimary(control);
    gate = await openGate({ server, clients: count, ...(waitLimitMs === undefined ? {} : { waitLimitMs }) });
    for (let index = 0; index < count; index++) clients.push(await connectGatedClient(gate, index, clientOptions));
    return new OpenInterleaving({ ...options, stepLimit }, control, gate, clients);
  } catch (error) {
    await closeAll(control, gate, clients);
    throw error;
  }
}

class OpenInterleaving<T> implements Interleaving<T> {
  readonly #options: InterleaveOptions<T> & { readonly stepLimit: number };
  readonly #control: MongoClient;
  readonly #db: Db;
  readonly #gate: Gate;
  readonly #clients: readonly GatedClient[];
  #unique: UniqueKeys | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #closed: Promise<void> | undefined;

  constructor(
    options: InterleaveOptions<T> & { readonly stepLimit: number },
    control: MongoClient,
    gate: Gate,
    clients: readonly GatedClient[],
  ) {
    this.#options = options;
    this.#control = control;
    this.#db = control.db(options.database);
    this.#gate = gate;
    this.#clients = clients;
  }

  explore(options: ExploreOptions<T> = {}): Promise<Exploration<T>> {
    return this.#alone(() =>
      explore(options, {
        execute: (chooser) => this.#execute(chooser),
        judge: (executed) => this.#judge(executed),
      }),
    );
  }

  run(token: string): Promise<RunResult<T>> {
    return this.#alone(async () => {
      const choices = parseToken(token);
      const executed = await this.#execute(replayChooser(choices));
      expectWhole(choices, executed.trace.length);
      return this.#judge(executed);
    });
  }

  close(): Promise<void> {
    this.#closed ??= closeAll(this.#control, this.#gate, this.#clients);
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** One data base, one run at a time. */
  #alone<R>(work: () => Promise<R>): Promise<R> {
    const mine = this.#last.then(work);
    this.#last = mine.catch(() => undefined);
    return mine;
  }

  async #execute(chooser: Chooser): Promise<Executed<T>> {
    if (this.#closed !== undefined) throw new InterleaveError('stopped', 'This interleaving was closed.');
    const { reset, showFields = [] } = this.#options;
    await reset(this.#db);
    this.#unique ??= await readUniqueKeys(this.#db);
    const transactions = new Transactions(this.#unique);
    const writer = new TraceWriter(showFields);
    let executed: Executed<T>;
    try {
      const setup = { gate: this.#gate, clients: this.#clients, options: this.#options, transactions, writer };
      executed = await executeRun(setup, chooser);
    } catch (error) {
      await this.close();
      throw error;
    }
    // What a flow left open would block the next reset.
    const left = transactions.openSessions;
    if (left.length > 0) await this.#control.db('admin').command({ killSessions: left });
    if (executed.refusal !== undefined) throw executed.refusal;
    if (executed.trace.length === 0) {
      throw new InterleaveError(
        'nothing-held',
        'No command came to the gate: does the flow use the client that it is given?',
      );
    }
    return executed;
  }

  async #judge({ token, trace, outcomes }: Executed<T>): Promise<RunResult<T>> {
    let verdict: Verdict = { kind: 'valid' };
    try {
      await this.#options.check(this.#db, outcomes);
    } catch (error) {
      verdict = { kind: 'violated', error };
    }
    return { token, trace, outcomes, verdict };
  }
}

/** The clients first: the driver says goodbye to its server, and waits long for one that is gone. */
async function closeAll(control: MongoClient, gate: Gate | undefined, clients: readonly GatedClient[]): Promise<void> {
  gate?.retire();
  await Promise.all([control.close(), ...clients.map(({ mongo }) => mongo.close())]);
  await gate?.close();
}
