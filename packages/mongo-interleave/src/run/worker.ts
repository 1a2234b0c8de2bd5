import { writeFileSync } from 'node:fs';
import type { Db, MongoClient } from 'mongodb';
import { SchemaReader } from '../footprint/schema-reader.ts';
import { Transactions } from '../footprint/transactions.ts';
import { StartStateReader } from '../footprint/start-state-reader.ts';
import { databaseOf } from '../footprint/namespace.ts';
import { findPrimary } from '../gate/find-primary.ts';
import { DEFAULT_MAX_WAIT_MS, openGate, type Gate } from '../gate/gate.ts';
import type { GatedClient } from '../gate/gated-client.ts';
import type { HeldCommand } from '../gate/held-command.ts';
import { clientLetter } from '../gate/client-letter.ts';
import { InterleaveError } from '../interleave-error.ts';
import { endsOneRun, lateCommand } from './bad-run.ts';
import { countPreemptions } from '../schedule/decision.ts';
import type { Scheduler } from '../schedule/scheduler.ts';
import { isCrash, isFailover, type FaultKind } from '../schedule/token.ts';
import { connectControl } from './connect-control.ts';
import { noOther } from './elections.ts';
import { isOwnError, namedError } from './error-lines.ts';
import { executeRun } from './execute-run.ts';
import type { Execution, Outcome, StepFailure } from './execution.ts';
import { FaultInjector } from './fault-injector.ts';
import type { InterleaveOptions } from './interleave-options.ts';
import { Lives } from './lives.ts';
import type { LoopBook } from './loop-book.ts';
import { momentOf, writesPastGate, type Moment } from './past-the-gate.ts';
import { Rehearsed } from './rehearsed.ts';
import type { RunResult, Verdict } from './result.ts';
import type { Runner } from './runner.ts';
import { whatItWaitsFor } from './server-waits.ts';
import type { SharedKnowledge } from './shared-knowledge.ts';
import { stopped } from './stopped.ts';
import type { TraceStep } from './trace-step.ts';
import { TraceWriter } from './trace-writer.ts';
import { UnderWay } from './under-way.ts';
import { Upserts } from './upserts.ts';
import { WriteProbe } from './write-probe.ts';

const DEFAULT_MAX_STEPS = 1_000;
/** A flow whose loops look new each time, because they hold random values, is not tried for ever. */
const MAX_TRIALS_IN_A_ROW = 8;

/** After so many, the rest is told in the next run. */
const MAX_LATE_COMMANDS = 20;

/** All clients, one after the other. @param pick which of the commands that a client sent at once comes first: 0, or -1 for the last */
const rehearsal = (pick: 0 | -1): Scheduler => ({
  next: (enabled) => {
    const client = enabled[0]?.choice.client;
    const step = enabled.filter(({ choice }) => choice.client === client).at(pick);
    if (step === undefined) throw new TypeError('No step is enabled.');
    return step;
  },
  executed: () => undefined,
  restart: () => undefined,
});

/** One database, the gate in front of it and the clients behind that gate. Runs one schedule at a time. */
export class Worker<T, P = undefined> implements Runner<T> {
  readonly #options: InterleaveOptions<T, P>;
  readonly #control: MongoClient;
  readonly #db: Db;
  readonly #underWay: UnderWay;
  readonly #gate: Gate;
  readonly #clients: GatedClient[];
  readonly #lives: Lives<T, P>;
  readonly #faults: FaultInjector;
  readonly #startStates: StartStateReader;
  readonly #schemas: SchemaReader;
  readonly #loops: LoopBook;
  /** Commands that came after the end of their flows, and wait at the gate. */
  readonly #late: HeldCommand[];
  #isRehearsed = false;
  #rehearsed = new Rehearsed([]);
  #runs = 0;
  #hasChains = false;
  /** Of the last run: what its trace shows, its results show too. */
  #writer: TraceWriter;
  /** Closed by the user. A run that fails closes everything as well, but sets `#closed` only. */
  #isClosed = false;
  #closed: Promise<void> | undefined;

  private constructor(
    options: InterleaveOptions<T, P>,
    shared: SharedKnowledge,
    { control, gate, lives, clients, late }: Opened<T, P>,
  ) {
    const { maxWaitMs = DEFAULT_MAX_WAIT_MS } = options;
    this.#options = options;
    this.#control = control;
    this.#db = control.db(options.database);
    this.#underWay = new UnderWay(control);
    this.#gate = gate;
    this.#lives = lives;
    this.#clients = clients;
    this.#startStates = new StartStateReader(this.#db, shared.startStates);
    this.#schemas = new SchemaReader(control);
    this.#late = late;
    this.#loops = shared.loops;
    this.#faults = new FaultInjector(control, gate, clients, lives, { ...options, maxWaitMs });
    this.#writer = new TraceWriter(options);
  }

  /** @throws InterleaveError `invalid-option`, also if the server can't be reached */
  static async open<T, P = undefined>(
    options: InterleaveOptions<T, P>,
    shared: SharedKnowledge,
  ): Promise<Worker<T, P>> {
    if (options.tokenFile !== undefined) makeTokenFile(options.tokenFile);
    const control = await connectControl(options);
    let gate: Gate | undefined;
    const clients: GatedClient[] = [];
    const late: HeldCommand[] = [];
    try {
      const { clients: count, maxWaitMs = DEFAULT_MAX_WAIT_MS } = options;
      const explainWait = (command: HeldCommand): Promise<string | undefined> =>
        whatItWaitsFor(control, clients[command.client]?.mongo.options.appName ?? '');
      const onLate = (command: HeldCommand): void => void late.push(command);
      gate = await openGate({ ...(await findPrimary(control)), clients: count, maxWaitMs, explainWait, onLate });
      const lives = new Lives(gate, options);
      for (let index = 0; index < count; index++) clients.push(await lives.connect(index));
      return new Worker(options, shared, { control, gate, lives, clients, late });
    } catch (error) {
      await closeAll(control, gate, () => Promise.all(clients.map((client) => client.close())));
      throw error;
    }
  }

  async execute(scheduler: Scheduler, giveUpAtMs: number = Infinity): Promise<Execution<T>> {
    try {
      if (!this.#isRehearsed) {
        // What the flows do once, such as making collections and indexes, would make the first run differ from all others.
        await this.#rehearse(giveUpAtMs);
        this.#isRehearsed = true;
      }
      const execution = await this.#run(scheduler, giveUpAtMs, this.#options);
      return { ...execution, hasChains: execution.hasChains || this.#hasChains };
    } catch (error) {
      throw this.#isClosed ? stopped(error) : error;
    }
  }

  /** A client that goes on after the last of its commands at once, and not after the others, shows it only if that one comes first. */
  async #rehearse(giveUpAtMs: number): Promise<void> {
    const { steps, conditions, hasChains } = await this.#run(rehearsal(0), giveUpAtMs, {});
    this.#rehearsed = new Rehearsed(steps);
    if (!conditions.some(({ kind }) => kind === 'at-once')) return;
    this.#hasChains = hasChains || (await this.#run(rehearsal(-1), giveUpAtMs, {})).hasChains;
  }

  async #run(
    scheduler: Scheduler,
    giveUpAtMs: number,
    told: Pick<InterleaveOptions<T>, 'onStep'>,
  ): Promise<Execution<T>> {
    for (let trial = 0; ; trial++) {
      const mayTry = scheduler.restart !== undefined && trial < MAX_TRIALS_IN_A_ROW;
      const execution = await this.#runOnce(scheduler, { giveUpAtMs, mayTry, ...told });
      if (execution !== 'tried') return execution;
      scheduler.restart?.();
    }
  }

  async #runOnce(scheduler: Scheduler, limits: RunLimits<T>): Promise<Execution<T> | 'tried'> {
    if (this.#closed !== undefined) throw stopped();
    await this.#finishLate();
    await this.#replaceUnfit();
    await this.#faults.closeFrozen();
    await this.#prepareAll();
    await this.#reset();
    const schema = this.#schemas.open();
    const transactions = new Transactions(schema, this.#options.retriesAtOnce);
    const since = isPowerOfTwo(++this.#runs) ? await momentOf(this.#control) : undefined;
    const execution = await this.#executeFrom(transactions, scheduler, limits);
    if (schema.hasChanged) this.#schemas.forget();
    await this.#faults.removeFailPoint();
    // A transaction that a flow left open would block the next reset.
    const open = transactions.openSessions;
    if (open.length > 0) await this.#control.db('admin').command({ killSessions: open });
    if (execution === 'tried') return execution;
    if (execution.trace.length === 0 && execution.failure === undefined && !execution.isGivenUp) {
      // What the clients have written to their sockets has arrived when a command behind it is answered.
      const ping = ({ mongo }: GatedClient): Promise<unknown> => mongo.db('admin').command({ ping: 1 });
      await Promise.all(this.#clients.map((client) => ping(client).catch(() => undefined)));
      this.#expectWorking();
      throw nothingHeld(execution.outcomes);
    }
    return {
      ...execution,
      failure: execution.failure ?? this.#whyUnknown() ?? (await this.#pastGate(execution, since)),
    };
  }

  /** A client that is restarted after a crash is prepared past the gate. */
  async #pastGate({ steps }: Execution<T>, since: Moment): Promise<InterleaveError | undefined> {
    if (steps.some(({ choice }) => isCrash(choice.fault))) return undefined;
    const others = new Set([...this.#schemas.namespaces].map(databaseOf));
    return writesPastGate(this.#control, { database: this.#options.database, others, since, steps });
  }

  /** Prepares the clients that are not prepared yet, in their order, from the start state. */
  async #prepareAll(): Promise<void> {
    const fresh = this.#clients.filter((client) => !this.#lives.isPrepared(client));
    if (fresh.length === 0) return;
    if (this.#options.prepare !== undefined) await this.#reset();
    for (const client of fresh) await this.#lives.prepare(client, 0);
  }

  /** @throws InterleaveError `reset-failed` */
  async #reset(): Promise<void> {
    await this.#gate.pass('reset to end', async () => {
      try {
        await this.#options.reset(this.#db);
      } catch (error) {
        throw new InterleaveError('reset-failed', `reset threw ${namedError(error)}.`, { cause: error });
      }
      const unfinished = await this.#notAwaited('reset');
      if (unfinished !== undefined) throw new InterleaveError('reset-failed', unfinished);
    });
  }

  /** @returns what to say if a function of the user has returned before its commands */
  async #notAwaited(name: 'reset' | 'check'): Promise<string | undefined> {
    const count = await this.#underWay.count();
    return count === 0
      ? undefined
      : `${name} returned while ${count} of its commands were under way. Await each of them, or return its promise.`;
  }

  /** Runs from the start state. After an error from which the gate can't recover, everything is closed. */
  async #executeFrom(
    transactions: Transactions,
    scheduler: Scheduler,
    { onStep, giveUpAtMs, mayTry }: RunLimits<T>,
  ): Promise<Execution<T> | 'tried'> {
    this.#writer = new TraceWriter(this.#options);
    const { maxSteps = DEFAULT_MAX_STEPS } = this.#options;
    const setup = {
      gate: this.#gate,
      clients: this.#clients,
      flow: (client: GatedClient, life: number) => this.#lives.flow(client, life),
      options: { ...this.#options, maxSteps },
      transactions,
      // Read while the clients come to the gate: nothing changes before the first step.
      startState: this.#startStates.read(this.#schemas.namespaces),
      rehearsed: this.#rehearsed,
      writer: this.#writer,
      faults: this.#faults,
      loops: this.#loops,
      mayTry,
      giveUpAtMs,
      upserts: new Upserts(this.#control),
      probe: new WriteProbe(this.#control),
      onStep: onStep === undefined ? undefined : (step: TraceStep) => this.#judgeStep(() => onStep(step, this.#db)),
    };
    try {
      return await executeRun(setup, scheduler);
    } catch (error) {
      await this.#faults.removeFailPoint().catch(() => undefined);
      await this.#end();
      throw error;
    }
  }

  expectPossible(faults: readonly (FaultKind | undefined)[]): void {
    if (!faults.some(isFailover) || this.#gate.followsPrimary) return;
    throw noOther(
      this.#control.options.directConnection ? 'uri connects to one member directly' : 'uri leads to one server alone',
    );
  }

  async recheckStart(): Promise<boolean> {
    if (this.#closed !== undefined) throw stopped();
    try {
      await this.#finishLate();
      await this.#reset();
      await this.#startStates.read(this.#schemas.namespaces);
      return await this.#schemas.recheck();
    } catch (error) {
      throw this.#isClosed ? stopped(error) : error;
    }
  }

  /** @returns what `onStep` threw */
  async #judgeStep(onStep: () => Promise<void> | void): Promise<StepFailure | undefined> {
    try {
      await this.#gate.pass('onStep to end', async () => onStep());
      return undefined;
    } catch (error) {
      if (this.#isClosed) throw stopped(error);
      if (error === this.#gate.failure || endsOneRun(error)) throw error;
      return { error };
    }
  }

  async judge({ token, steps, trace, outcomes, failure, stepFailure }: Execution<T>): Promise<RunResult<T>> {
    const verdict = failure === undefined ? await this.#check(outcomes, stepFailure) : verdictOf(failure);
    await this.#finishLate();
    const endings = this.#writer.ends(outcomes, steps);
    const hidden = this.#writer.hidden(endings);
    return { token, trace, preemptions: countPreemptions(steps), outcomes, endings, hidden, verdict };
  }

  /** @param stepFailure is the verdict, as the first thing that was wrong. `check` is called all the same */
  async #check(outcomes: readonly Outcome<T>[], stepFailure: StepFailure | undefined): Promise<Verdict> {
    let verdict: Verdict = stepFailure === undefined ? { kind: 'valid' } : { kind: 'violated', ...stepFailure };
    try {
      const said: unknown = await this.#gate.pass('check to end', async () => this.#options.check(this.#db, outcomes));
      if (said === false)
        throw new TypeError('check returned false. It should throw an error that says what is wrong.');
      const unfinished = await this.#notAwaited('check');
      if (unfinished !== undefined)
        return { kind: 'unknown', error: new InterleaveError('callback-failed', unfinished) };
    } catch (error) {
      // A check that lost its connection has seen nothing, so its error is no violation.
      if (this.#isClosed) throw stopped(error);
      if (isOwnError(error, 'watchdog')) return { kind: 'unknown', error };
      if (stepFailure === undefined) verdict = { kind: 'violated', error };
    }
    this.#expectWorking();
    const error = this.#whyUnknown();
    return error === undefined ? verdict : { kind: 'unknown', error };
  }

  /** A client sent a command after its flow had ended, so the data are not those of the schedule. */
  #whyUnknown(): InterleaveError | undefined {
    const [first] = this.#late;
    const spoilt = this.#gate.takeSpoilt();
    return first === undefined ? spoilt : lateCommand(first);
  }

  /** @throws InterleaveError what the gate found out between two waits */
  #expectWorking(): void {
    if (this.#gate.failure !== undefined && !this.#isClosed) throw this.#gate.failure;
  }

  /**
   * Sends the commands that came too late to the server, after the run was judged and before the next start state is made. If they were
   * dropped, they would fail where nobody expects it, which ends the process.
   */
  async #finishLate(): Promise<void> {
    for (let count = 0; this.#late.length > 0 && count < MAX_LATE_COMMANDS; count++) {
      const { client } = this.#late[0] ?? { client: 0 };
      try {
        for (const command of this.#late.splice(0)) (await this.#gate.release(command)).deliver();
        // What the client sends next comes now, if at all.
        await this.#control.db('admin').command({ ping: 1 });
      } catch (error) {
        if (this.#gate.failure !== undefined) throw error;
        await this.#faults.replace([client]);
      }
    }
  }

  /**
   * Replaces clients that were closed by their flows, those that know more members than the primary, so that all runs begin alike, and with
   * `freshLives` all that have lived.
   */
  async #replaceUnfit(): Promise<void> {
    if (this.#gate.followsPrimary) this.#gate.moveTo((await findPrimary(this.#control)).server);
    const isUnfit = (client: GatedClient): boolean =>
      client.isClosed() ||
      !this.#gate.isAtPrimary(client.index) ||
      (this.#options.freshLives === true && this.#lives.isPrepared(client));
    await this.#faults.replace(this.#clients.filter(isUnfit).map(({ index }) => index));
    // What the clients of the last run did while they were closed says nothing of the next run.
    this.#gate.takeSpoilt();
  }

  /** @throws InterleaveError `callback-failed` after everything was closed, if `dispose` threw at any time */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#end();
    if (this.#lives.failure !== undefined) throw this.#lives.failure;
  }

  #end(): Promise<void> {
    const endLives = (): Promise<unknown> => Promise.all(this.#clients.map((client) => this.#lives.end(client)));
    this.#closed ??= this.#faults.close().then(() => closeAll(this.#control, this.#gate, endLives));
    return this.#closed;
  }
}

interface Opened<T, P> {
  readonly control: MongoClient;
  readonly gate: Gate;
  readonly lives: Lives<T, P>;
  readonly clients: GatedClient[];
  readonly late: HeldCommand[];
}

interface RunLimits<T> extends Pick<InterleaveOptions<T>, 'onStep'> {
  readonly giveUpAtMs: number;
  readonly mayTry: boolean;
}

/** Looking past the gate takes time, so it is done ever more seldom. */
const isPowerOfTwo = (count: number): boolean => Number.isInteger(Math.log2(count));

/** @throws InterleaveError `invalid-option` */
function makeTokenFile(file: string): void {
  try {
    writeFileSync(file, '');
  } catch (error) {
    const message = `tokenFile: ${file} can't be written (${namedError(error)}). Is its folder there?`;
    throw new InterleaveError('invalid-option', message, { cause: error });
  }
}

const verdictOf = (error: InterleaveError): Verdict => ({
  kind: error.code === 'never-ends' ? 'violated' : 'unknown',
  error,
});

function nothingHeld<T>(outcomes: readonly Outcome<T>[]): InterleaveError {
  for (const [client, outcome] of outcomes.entries()) {
    if (outcome.kind !== 'threw') continue;
    const { error } = outcome;
    const message = `${clientLetter(client)} threw ${namedError(error)} before it sent any command.`;
    return new InterleaveError('nothing-held', message, { cause: error });
  }
  return new InterleaveError(
    'nothing-held',
    'No command reached the gate. Does the flow await or return what it starts? Does it use the db that it is given, or a client of its own ' +
      'that is connected to client.uri?',
  );
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
