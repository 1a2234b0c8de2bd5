import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { MongoClient, type Db } from 'mongodb';
import { executeRun, type Chooser, type Executed } from './execute-run.ts';
import { findPrimary } from './find-primary.ts';
import { readArrayFields } from './footprint/array-fields.ts';
import type { Schema } from './footprint/command-access.ts';
import { DrawnValues, StartNames } from './footprint/drawn-names.ts';
import { Transactions } from './footprint/transactions.ts';
import { readUniqueKeys } from './footprint/unique-keys.ts';
import { DEFAULT_WAIT_LIMIT_MS, openGate, type FrozenClient, type Gate, type HeldCommand } from './gate/gate.ts';
import { connectGatedClient, type GatedClient } from './gated-client.ts';
import { InterleaveError } from './interleave-error.ts';
import type { InterleaveOptions } from './options.ts';
import { countPreemptions, type RunResult, type Verdict } from './run-result.ts';
import { TraceWriter, type TraceStep } from './schedule/trace.ts';
import type { FaultMaker } from './take-step.ts';

const DEFAULT_STEP_LIMIT = 1_000;
/** PrimarySteppedDown: drivers try again what they may. */
const DEFAULT_ERROR_CODE = 189;
const LOOK_PAUSE_MS = 20;

interface Frozen {
  readonly mongo: MongoClient;
  readonly frozen: FrozenClient;
}

/** One database with a gate in front of it, and its clients: one run at a time. */
export class Lane<T> implements FaultMaker {
  readonly #options: InterleaveOptions<T>;
  readonly #control: MongoClient;
  readonly #db: Db;
  readonly #gate: Gate;
  readonly #clients: GatedClient[];
  #frozen: Frozen[] = [];
  #isFailing = false;
  #schema: Schema | undefined;
  readonly #startNames = new StartNames();
  /** By the user; a run that fails ends it, too. */
  #isClosed = false;
  #closed: Promise<void> | undefined;

  private constructor(options: InterleaveOptions<T>, control: MongoClient, gate: Gate, clients: GatedClient[]) {
    this.#options = options;
    this.#control = control;
    this.#db = control.db(options.database);
    this.#gate = gate;
    this.#clients = clients;
  }

  /** @throws InterleaveError `invalid-option`; errors of the driver when the server can't be reached */
  static async open<T>(options: InterleaveOptions<T>): Promise<Lane<T>> {
    const control = new MongoClient(options.uri);
    const { tls, credentials } = control.options;
    if (tls || credentials !== undefined) {
      throw new InterleaveError('invalid-option', 'The gate needs a server without TLS and authentication.');
    }
    let gate: Gate | undefined;
    const clients: GatedClient[] = [];
    try {
      await control.connect();
      if (options.tokenFile !== undefined) writeFileSync(options.tokenFile, '');
      const { clients: count, waitLimitMs = DEFAULT_WAIT_LIMIT_MS, clientOptions = {} } = options;
      const explainWait = (command: HeldCommand): Promise<string | undefined> =>
        whatItWaitsFor(control, clients[command.client]?.mongo.options.appName ?? '');
      gate = await openGate({ server: await findPrimary(control), clients: count, waitLimitMs, explainWait });
      for (let index = 0; index < count; index++) clients.push(await connectGatedClient(gate, index, clientOptions));
      return new Lane(options, control, gate, clients);
    } catch (error) {
      await closeAll(control, gate, clients);
      throw error;
    }
  }

  /** Makes the start state and runs one schedule. */
  async execute(chooser: Chooser): Promise<Executed<T>> {
    try {
      return await this.#run(chooser);
    } catch (error) {
      throw this.#isClosed ? stopped(error) : error;
    }
  }

  async #run(chooser: Chooser): Promise<Executed<T>> {
    if (this.#closed !== undefined) throw stopped();
    const { reset, onStep, showFields = [], stepLimit = DEFAULT_STEP_LIMIT } = this.#options;
    await this.#buryFrozen();
    await reset(this.#db);
    this.#schema ??= { unique: await readUniqueKeys(this.#db), arrays: await readArrayFields(this.#db) };
    const transactions = new Transactions(this.#schema, this.#options.retriesAtOnce);
    const drawn = new DrawnValues(await this.#startNames.read(this.#db));
    let executed: Executed<T>;
    try {
      const setup = {
        gate: this.#gate,
        clients: this.#clients,
        options: { ...this.#options, stepLimit },
        transactions,
        drawn,
        writer: new TraceWriter(showFields),
        faults: this,
        onStep: (step: TraceStep) => onStep?.(step, this.#db),
      };
      executed = await executeRun(setup, chooser);
    } catch (error) {
      if (this.#isFailing) await this.#setFailure('off').catch(() => undefined);
      await this.#end();
      throw error;
    }
    if (this.#isFailing) await this.#setFailure('off');
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

  /** Looks at what the run left. */
  async judge({ token, taken, trace, outcomes }: Executed<T>): Promise<RunResult<T>> {
    let verdict: Verdict = { kind: 'valid' };
    try {
      await this.#options.check(this.#db, outcomes);
    } catch (error) {
      // What could not look has seen nothing.
      if (this.#isClosed) throw stopped(error);
      verdict = { kind: 'violated', error };
    }
    return { token, trace, preemptions: countPreemptions(taken), outcomes, verdict };
  }

  async crash(client: number, openSession: unknown): Promise<GatedClient> {
    const frozen = await this.#gate.crash(client);
    const crashed = this.#clients[client];
    if (crashed !== undefined) this.#frozen.push({ frozen, mongo: crashed.mongo });
    if (openSession !== undefined && !this.leavesTransactions)
      await this.#control.db('admin').command({ killSessions: [openSession] });
    const fresh = await connectGatedClient(this.#gate, client, this.#options.clientOptions ?? {});
    if (this.#closed !== undefined) {
      await fresh.mongo.close();
      throw stopped();
    }
    this.#clients[client] = fresh;
    return fresh;
  }

  get leavesTransactions(): boolean {
    return this.#options.crashedTransactions === 'leave';
  }

  async failNext(client: number, command: string): Promise<void> {
    const { errorCode = DEFAULT_ERROR_CODE } = this.#options;
    const appName = this.#clients[client]?.mongo.options.appName;
    this.#isFailing = true;
    await this.#setFailure({ times: 1 }, { failCommands: [command], errorCode, appName });
  }

  async outlast(sessions: readonly unknown[]): Promise<void> {
    const { waitLimitMs = DEFAULT_WAIT_LIMIT_MS } = this.#options;
    const giveUpAtMs = performance.now() + waitLimitMs;
    while (performance.now() < giveUpAtMs) {
      const open = await this.#control
        .db('admin')
        .aggregate([
          { $currentOp: { allUsers: true, idleSessions: true } },
          { $match: { transaction: { $exists: true }, $or: sessions.map((id) => ({ 'lsid.id': idOf(id) })) } },
        ])
        .toArray();
      if (open.length === 0) return;
      await sleep(LOOK_PAUSE_MS);
    }
    throw new InterleaveError(
      'watchdog',
      `Waited ${waitLimitMs} ms for the server to end the transaction of a crashed client (transactionLifetimeLimitSeconds).`,
    );
  }

  close(): Promise<void> {
    this.#isClosed = true;
    return this.#end();
  }

  #end(): Promise<void> {
    this.#closed ??= this.#buryFrozen().then(() => closeAll(this.#control, this.#gate, this.#clients));
    return this.#closed;
  }

  /** Closes what crashed: its flows get errors now, and run their ends against a closed port. */
  async #buryFrozen(): Promise<void> {
    const all = this.#frozen;
    this.#frozen = [];
    await Promise.all(
      all.map(async ({ mongo, frozen }) => {
        frozen.retire();
        await mongo.close();
        await frozen.close();
      }),
    );
  }

  async #setFailure(mode: 'off' | { times: number }, data: object = {}): Promise<void> {
    await this.#control.db('admin').command({ configureFailPoint: 'failCommand', mode, data });
    if (mode === 'off') this.#isFailing = false;
  }
}

const stopped = (cause?: unknown): InterleaveError =>
  new InterleaveError('stopped', 'This interleaving was closed.', { cause });

/** What the server says of a command of this client that is under way: that it met write conflicts, or waits for a lock. */
async function whatItWaitsFor(control: MongoClient, appName: string): Promise<string | undefined> {
  const waiting = { $or: [{ writeConflicts: { $gt: 0 } }, { waitingForLock: true }] };
  const [found] = await control
    .db('admin')
    .aggregate([{ $currentOp: { allUsers: true } }, { $match: { appName, active: true, ...waiting } }])
    .toArray();
  if (found === undefined) return undefined;
  return found['waitingForLock'] === true
    ? 'another one has the lock that it needs'
    : `${String(found['writeConflicts'])} write conflicts so far with an open transaction`;
}

const idOf = (session: unknown): unknown => (session as { readonly id?: unknown }).id;

/** The clients first: the driver says goodbye to its server, and waits long for one that is gone. */
async function closeAll(control: MongoClient, gate: Gate | undefined, clients: readonly GatedClient[]): Promise<void> {
  gate?.retire();
  await Promise.all([control.close(), ...clients.map(({ mongo }) => mongo.close())]);
  await gate?.close();
}
