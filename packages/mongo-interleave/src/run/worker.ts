import { writeFileSync } from 'node:fs';
import { MongoClient, type Db } from 'mongodb';
import { readArrayFields } from '../footprint/array-fields.ts';
import type { Schema } from '../footprint/command-access.ts';
import { GeneratedIds, StartStateIds } from '../footprint/generated-ids.ts';
import { Transactions } from '../footprint/transactions.ts';
import { readUniqueKeys } from '../footprint/unique-keys.ts';
import { findPrimary } from '../gate/find-primary.ts';
import { DEFAULT_MAX_WAIT_MS, openGate, type Gate } from '../gate/gate.ts';
import type { GatedClient } from '../gate/gated-client.ts';
import type { HeldCommand } from '../gate/held-command.ts';
import { InterleaveError } from '../interleave-error.ts';
import { countPreemptions } from '../schedule/decision.ts';
import type { Scheduler } from '../schedule/scheduler.ts';
import { executeRun } from './execute-run.ts';
import type { Execution } from './execution.ts';
import { FaultInjector } from './fault-injector.ts';
import type { InterleaveOptions } from './interleave-options.ts';
import { Lives } from './lives.ts';
import type { RunResult, Verdict } from './result.ts';
import type { Runner } from './runner.ts';
import { whatItWaitsFor } from './server-waits.ts';
import { stopped } from './stopped.ts';
import type { TraceStep } from './trace-step.ts';
import { TraceWriter } from './trace-writer.ts';

const DEFAULT_MAX_STEPS = 1_000;

/** One database, the gate in front of it and the clients behind that gate. Runs one schedule at a time. */
export class Worker<T, P = undefined> implements Runner<T> {
  readonly #options: InterleaveOptions<T, P>;
  readonly #control: MongoClient;
  readonly #db: Db;
  readonly #gate: Gate;
  readonly #clients: GatedClient[];
  readonly #lives: Lives<T, P>;
  readonly #faults: FaultInjector;
  readonly #startStateIds = new StartStateIds();
  #schema: Schema | undefined;
  #isPrepared = false;
  /** Closed by the user. A run that fails closes everything as well, but sets `#closed` only. */
  #isClosed = false;
  #closed: Promise<void> | undefined;

  private constructor(
    options: InterleaveOptions<T, P>,
    control: MongoClient,
    gate: Gate,
    lives: Lives<T, P>,
    clients: GatedClient[],
  ) {
    const { maxWaitMs = DEFAULT_MAX_WAIT_MS } = options;
    this.#options = options;
    this.#control = control;
    this.#db = control.db(options.database);
    this.#gate = gate;
    this.#lives = lives;
    this.#clients = clients;
    this.#faults = new FaultInjector(control, gate, clients, lives, { ...options, maxWaitMs });
  }

  /** @throws InterleaveError `invalid-option`; errors of the driver if the server can't be reached */
  static async open<T, P = undefined>(options: InterleaveOptions<T, P>): Promise<Worker<T, P>> {
    const control = new MongoClient(options.uri);
    const { tls, credentials } = control.options;
    if (tls || credentials !== undefined) {
      throw new InterleaveError('invalid-option', 'The gate needs a server without TLS and without authentication.');
    }
    let gate: Gate | undefined;
    const clients: GatedClient[] = [];
    try {
      await control.connect();
      if (options.tokenFile !== undefined) writeFileSync(options.tokenFile, '');
      const { clients: count, maxWaitMs = DEFAULT_MAX_WAIT_MS } = options;
      const explainWait = (command: HeldCommand): Promise<string | undefined> =>
        whatItWaitsFor(control, clients[command.client]?.mongo.options.appName ?? '');
      gate = await openGate({ server: await findPrimary(control), clients: count, maxWaitMs, explainWait });
      const lives = new Lives(gate, options);
      for (let index = 0; index < count; index++) clients.push(await lives.connect(index));
      return new Worker(options, control, gate, lives, clients);
    } catch (error) {
      await closeAll(control, gate, () => Promise.all(clients.map((client) => client.close())));
      throw error;
    }
  }

  async execute(scheduler: Scheduler): Promise<Execution<T>> {
    try {
      return await this.#run(scheduler);
    } catch (error) {
      throw this.#isClosed ? stopped(error) : error;
    }
  }

  async #run(scheduler: Scheduler): Promise<Execution<T>> {
    if (this.#closed !== undefined) throw stopped();
    await this.#faults.closeCrashed();
    await this.#prepareAll();
    await this.#options.reset(this.#db);
    this.#schema ??= { unique: await readUniqueKeys(this.#db), arrays: await readArrayFields(this.#db) };
    const transactions = new Transactions(this.#schema, this.#options.retriesAtOnce);
    const execution = await this.#executeFrom(transactions, scheduler);
    await this.#faults.removeFailPoint();
    // A transaction that a flow left open would block the next reset.
    const open = transactions.openSessions;
    if (open.length > 0) await this.#control.db('admin').command({ killSessions: open });
    if (execution.refusal !== undefined) throw execution.refusal;
    if (execution.trace.length === 0) {
      throw new InterleaveError(
        'nothing-held',
        'No command reached the gate. Does the flow use the client and the database that it is given?',
      );
    }
    return execution;
  }

  /** Prepares the clients, in their order, from the start state. */
  async #prepareAll(): Promise<void> {
    const { prepare, freshLives = false, reset } = this.#options;
    if (this.#isPrepared && !freshLives) return;
    if (prepare !== undefined) await reset(this.#db);
    for (const [index, client] of this.#clients.entries()) {
      if (this.#isPrepared) await this.#lives.end(client);
      const next = this.#isPrepared ? await this.#lives.connect(index) : client;
      this.#clients[index] = next;
      await this.#lives.prepare(next, 0);
    }
    this.#isPrepared = true;
  }

  /** Runs from the start state. If the run can't be finished, its clients hang at the gate, so everything is closed. */
  async #executeFrom(transactions: Transactions, scheduler: Scheduler): Promise<Execution<T>> {
    const { onStep, showFields = [], maxSteps = DEFAULT_MAX_STEPS } = this.#options;
    const generatedIds = new GeneratedIds(await this.#startStateIds.read(this.#db));
    const setup = {
      gate: this.#gate,
      clients: this.#clients,
      flow: (client: GatedClient, life: number) => this.#lives.flow(client, life),
      options: { ...this.#options, maxSteps },
      transactions,
      generatedIds,
      writer: new TraceWriter(showFields),
      faults: this.#faults,
      onStep: (step: TraceStep) => onStep?.(step, this.#db),
    };
    try {
      return await executeRun(setup, scheduler);
    } catch (error) {
      await this.#faults.removeFailPoint().catch(() => undefined);
      await this.#end();
      throw error;
    }
  }

  async judge({ token, steps, trace, outcomes }: Execution<T>): Promise<RunResult<T>> {
    let verdict: Verdict = { kind: 'valid' };
    try {
      await this.#options.check(this.#db, outcomes);
    } catch (error) {
      // A check that lost its connection has seen nothing, so its error is no violation.
      if (this.#isClosed) throw stopped(error);
      verdict = { kind: 'violated', error };
    }
    return { token, trace, preemptions: countPreemptions(steps), outcomes, verdict };
  }

  close(): Promise<void> {
    this.#isClosed = true;
    return this.#end();
  }

  #end(): Promise<void> {
    const endLives = (): Promise<unknown> => Promise.all(this.#clients.map((client) => this.#lives.end(client)));
    this.#closed ??= this.#faults.close().then(() => closeAll(this.#control, this.#gate, endLives));
    return this.#closed;
  }
}

/** Closes the clients before the gate: a driver ends its sessions when it closes, and waits long for a server that is gone. */
async function closeAll(
  control: MongoClient,
  gate: Gate | undefined,
  closeClients: () => Promise<unknown>,
): Promise<void> {
  gate?.retire();
  await Promise.all([control.close(), closeClients()]);
  await gate?.close();
}
