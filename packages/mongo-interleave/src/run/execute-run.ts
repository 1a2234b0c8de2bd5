import { writeFileSync } from 'node:fs';
import { isRead, NOTHING, type Footprint } from '../footprint/footprint.ts';
import type { Transactions } from '../footprint/transactions.ts';
import type { StartState } from '../footprint/start-state-reader.ts';
import { collectionNameOf } from '../footprint/namespace.ts';
import { ValueNames } from '../footprint/value-names.ts';
import { clientLetter } from '../gate/client-letter.ts';
import type { Gate } from '../gate/gate.ts';
import type { GatedClient } from '../gate/gated-client.ts';
import type { HeldCommand } from '../gate/held-command.ts';
import type { Fields } from '../gate/message.ts';
import type { InterleaveError } from '../interleave-error.ts';
import type { EnabledStep, Scheduler } from '../schedule/scheduler.ts';
import { formatToken, isFailover, type Choice } from '../schedule/token.ts';
import { endsOneRun } from './bad-run.ts';
import type { Condition } from './condition.ts';
import { enabledSteps, idOf, waitingOf } from './enabled-steps.ts';
import type { ExecutedStep, Execution, Outcome, PendingStep, StepFailure } from './execution.ts';
import type { FaultInjector } from './fault-injector.ts';
import type { InterleaveOptions } from './interleave-options.ts';
import { AwaitCheck, conditionOf, type LoopBook } from './loop-book.ts';
import { goesOn, LoopWatch, repliesAlike, type Loop } from './loops.ts';
import { neverEnds, tooLong } from './never-ends.ts';
import { Numbering, type Numbered } from './numbering.ts';
import type { Rehearsed } from './rehearsed.ts';
import { takeStep } from './take-step.ts';
import { readersAtOnce, takenForGranted } from './taken-for-granted.ts';
import type { TraceStep } from './trace-step.ts';
import type { TraceWriter } from './trace-writer.ts';
import type { Upserts } from './upserts.ts';
import type { WriteProbe } from './write-probe.ts';

export interface RunSetup<T> {
  readonly gate: Gate;
  readonly clients: readonly GatedClient[];
  readonly transactions: Transactions;
  readonly startState: Promise<StartState>;
  readonly rehearsed: Rehearsed;
  readonly writer: TraceWriter;
  readonly faults: FaultInjector;
  readonly upserts: Upserts;
  readonly probe: WriteProbe;
  /** @returns what the user's function threw */
  readonly onStep: ((step: TraceStep) => Promise<StepFailure | undefined>) | undefined;
  readonly loops: LoopBook;
  /** The run may be used up to try a loop that is met for the first time. */
  readonly mayTry: boolean;
  /** When to give the run up, as `performance.now()` counts. */
  readonly giveUpAtMs: number;
  /** Runs the flow of a client. */
  readonly flow: (client: GatedClient, life: number) => Promise<T>;
  readonly options: Pick<InterleaveOptions<T>, 'database' | 'tokenFile'> & { readonly maxSteps: number };
}

/**
 * Runs one schedule. Each step waits until every live client is at the gate or done, asks the scheduler, releases one command and
 * delivers its reply. If the run can't be finished, the clients that hang are frozen, and fresh clients take their places.
 *
 * @returns `tried` if the run was used up to try a loop: the scheduler must begin it again
 * @throws InterleaveError the errors of the gate from which it can't recover; what the scheduler and `onStep` throw
 */
export async function executeRun<T>(setup: RunSetup<T>, scheduler: Scheduler): Promise<Execution<T> | 'tried'> {
  return await new Run(setup, scheduler).execute();
}

/** A loop that is tried is repeated so often, or for so long if it is slow. */
const MAX_REPETITIONS = 25;
const MIN_REPETITIONS = 3;
const MAX_TRIAL_MS = 2_000;
/** Loops that are all that is left are repeated for `maxSteps` steps, or for so long if they are slow, before they are told to be endless. */
const MAX_OUTLAST_MS = 5_000;

/** Of a command of which nothing is known. */
const UNKNOWN: Footprint = { ...NOTHING, everything: true, mayWrite: true };

/** Why a run is over before its clients are. */
type Break = 'given-up' | 'tried' | 'refuted';

class Run<T> {
  readonly #setup: RunSetup<T>;
  readonly #scheduler: Scheduler;
  readonly #names: ValueNames;
  readonly #numbering: Numbering;
  readonly #watch = new LoopWatch();
  readonly #steps: ExecutedStep[] = [];
  readonly #trace: TraceStep[] = [];
  readonly #awaitCheck = new AwaitCheck();
  readonly #conditions = new Map<string, Condition>();
  #hasRefuted = false;
  #hasChains = false;
  /** By client. The promise of the last life, and how it ended, if it did. */
  readonly #flows: Promise<void>[] = [];
  readonly #outcomes: (Outcome<T> | undefined)[] = [];
  readonly #lives: number[] = [];
  /** The commands at the gate. */
  #held: readonly Numbered[] = [];
  #isCutOff = false;
  #stepFailure: StepFailure | undefined;

  constructor(setup: RunSetup<T>, scheduler: Scheduler) {
    this.#setup = setup;
    this.#scheduler = scheduler;
    this.#names = new ValueNames(setup.options.database);
    this.#numbering = new Numbering(this.#names, setup.rehearsed);
  }

  async execute(): Promise<Execution<T> | 'tried'> {
    for (const client of this.#setup.clients) {
      if (this.#scheduler.participants?.has(client.index) === false) this.#outcomes[client.index] = { kind: 'absent' };
      else this.#enter(client);
    }
    let failure: InterleaveError | undefined;
    let brokenOff: Break | undefined;
    const startState = await this.#setup.startState;
    this.#names.start(startState);
    this.#setup.transactions.addArrays(startState.arrays);
    const collections = startState.uneven.map(collectionNameOf);
    if (collections.length > 0) this.#assume({ kind: 'start-state', collections });
    try {
      brokenOff = await this.#runToEnd();
    } catch (error) {
      if (!endsOneRun(error)) throw error;
      failure = error;
    }
    const pending = failure === undefined ? [] : this.#pending();
    if (failure === undefined && brokenOff === undefined) await Promise.all(this.#flows);
    else await this.#setup.faults.replace(this.#setup.gate.live);
    const mayBeginAgain = this.#scheduler.buildsOnEarlierRuns !== true;
    if (brokenOff === 'tried' || (brokenOff === 'refuted' && mayBeginAgain)) return 'tried';
    return {
      token: formatToken(this.#choices),
      steps: this.#steps,
      trace: this.#trace,
      outcomes: this.#setup.clients.map(({ index }) => this.#outcomes[index] ?? { kind: 'hanging' }),
      failure,
      stepFailure: this.#stepFailure,
      pending,
      isCutOff: this.#isCutOff,
      isGivenUp: brokenOff !== undefined,
      conditions: [...this.#conditions.values()],
      hasRefuted: this.#hasRefuted,
      hasChains: this.#hasChains,
    };
  }

  /** @returns undefined if all clients have ended */
  async #runToEnd(): Promise<Break | undefined> {
    const { gate, transactions, options, giveUpAtMs } = this.#setup;
    for (;;) {
      const found = await gate.quiet();
      if (await this.#letPass(found)) continue;
      const held = this.#numbering.number(found);
      this.#hasChains ||= goesOnEarly(this.#held, held);
      this.#held = held;
      this.#refuteLoops(held);
      if (held.length === 0) return undefined;
      if (performance.now() >= giveUpAtMs) return 'given-up';
      await transactions.load(held.map(({ command }) => command));
      for (const { command, number } of held) this.#names.see(command.client, number, command.body);
      const enabled = await enabledSteps(held, this.#setup);
      this.#assume(
        ...readersAtOnce(held, (command) => isRead(transactions.predict(command))),
        ...held
          .filter(({ command }) => transactions.waitsToRestart(command))
          .map(({ command }): Condition => ({ kind: 'restart', client: command.client })),
      );
      const { awaiting, untried } = this.#loopsAt(held);
      const isSpent = this.#scheduler.length === this.#steps.length;
      if (untried !== undefined && (isSpent || this.#setup.mayTry)) {
        await this.#try(untried);
        if (isSpent) continue;
        return 'tried';
      }
      const mayAwait = isSpent || this.#scheduler.length === undefined;
      const ready = enabled.filter(({ choice }) => !awaiting.has(choice.client));
      const choices = mayAwait ? ready : enabled;
      if (choices.length === 0) {
        const isLeft = enabled.length > 0 && (await this.#isLeft(awaiting));
        if (isLeft && !isSpent) return 'refuted';
        if (!isLeft) await this.#waitForCrashed(held, awaiting);
        continue;
      }
      if (this.#steps.length === options.maxSteps) {
        this.#isCutOff = true;
        throw tooLong(gate.live, this.#watch, options.maxSteps);
      }
      await this.#step(held, choices, ready);
    }
  }

  /**
   * Lets aborts pass of transactions that a failover has ended: they change nothing, and come from work that the client has given up, beside
   * which it has begun anew.
   */
  async #letPass(held: readonly HeldCommand[]): Promise<boolean> {
    const { gate, transactions } = this.#setup;
    if (!this.#steps.some(({ choice }) => isFailover(choice.fault))) return false;
    const idle = held.filter((command) => transactions.isIdleAbort(command));
    for (const command of idle) (await gate.release(command)).deliver();
    return idle.length > 0;
  }

  /** @param ready those of the enabled steps whose clients do not await anything */
  async #step(
    held: readonly Numbered[],
    enabled: readonly EnabledStep[],
    ready: readonly EnabledStep[],
  ): Promise<void> {
    const { options, transactions, writer } = this.#setup;
    const { choice, command } = this.#scheduler.next(enabled, this.#steps.length);
    const waiting = waitingOf(held, ready, transactions);
    const decision = { choice, enabledClients: clientsOf(ready), command: command.body };
    this.#held = held.filter((one) => one.command !== command);
    if (options.tokenFile !== undefined) saveToken(options.tokenFile, [...this.#choices, choice]);
    let taken: Awaited<ReturnType<typeof takeStep>>;
    try {
      taken = await takeStep(this.#setup, command, choice.fault);
    } catch (error) {
      if (!endsOneRun(error)) throw error;
      // What came of the command is not known, so it commutes with nothing. It is a step of the schedule all the same.
      this.#trace.push({ ...writer.step(command, undefined, choice.fault), reply: 'no reply', ...waiting });
      this.#steps.push({ ...decision, footprint: UNKNOWN, reply: undefined });
      this.#scheduler.executed(UNKNOWN);
      throw error;
    }
    const { step, reply, restarted } = taken;
    const footprint = this.#record(command, taken);
    this.#assume(...takenForGranted(command, reply));
    this.#trace.push({ ...step, ...waiting });
    this.#steps.push({ ...decision, footprint, reply });
    this.#scheduler.executed(footprint);
    await this.#judge(step);
    if (restarted !== undefined) this.#enter(restarted);
  }

  /** The trace says where `onStep` threw for the first time. */
  async #judge(step: TraceStep): Promise<void> {
    const failure = await this.#setup.onStep?.(step);
    const last = this.#trace.at(-1);
    if (failure === undefined || last === undefined || this.#stepFailure !== undefined) return;
    this.#stepFailure = failure;
    this.#trace[this.#trace.length - 1] = { ...last, reply: `${last.reply}, then onStep threw` };
  }

  #record(command: HeldCommand, taken: Awaited<ReturnType<typeof takeStep>>): Footprint {
    const { footprint, reply } = taken;
    const number = this.#numbering.numberOf(command);
    if (reply !== undefined) this.#names.seeReply(command.client, number, reply);
    const renamed = this.#names.rename(footprint);
    this.#watch.record(command, answerOf(taken), renamed);
    this.#awaitCheck.took(command, answerOf(taken));
    return renamed;
  }

  /** The loops of the clients that await a change, and a loop of which is not known whether it is endless. */
  #loopsAt(held: readonly Numbered[]): { readonly awaiting: Map<number, Loop>; readonly untried: Loop | undefined } {
    const { loops, options, upserts } = this.#setup;
    const awaiting = new Map<number, Loop>();
    let untried: Loop | undefined;
    for (const { command } of held) {
      // Its look was no command of its own.
      if (upserts.isInsert(command)) continue;
      // Of several commands at once, each may be what the others wait for.
      if (held.some((other) => other.command !== command && other.command.client === command.client)) continue;
      for (const loop of this.#watch.loopsAt(command)) {
        const trial = loops.of(loop, options.database);
        if (trial === undefined) untried ??= loop;
        if (trial?.isEndless !== true) continue;
        awaiting.set(command.client, loop);
        this.#assume(conditionOf(loop, trial));
        this.#awaitCheck.awaits(loop);
        break;
      }
    }
    return { awaiting, untried };
  }

  #assume(...conditions: readonly Condition[]): void {
    for (const condition of conditions) this.#conditions.set(JSON.stringify(condition), condition);
  }

  /** A loop that was taken to be endless, and is left without a new reply, is not. */
  #refuteLoops(held: readonly Numbered[]): void {
    const { loops, options, clients } = this.#setup;
    for (const { index } of clients) {
      const left = this.#awaitCheck.leftBy(index, held.find(({ command }) => command.client === index)?.command);
      if (left === undefined || loops.of(left, options.database)?.isEndless !== true) continue;
      loops.refute(left, options.database);
      this.#hasRefuted = true;
    }
  }

  /** Repeats a loop while nothing else happens, and writes down whether its client leaves it. */
  async #try(loop: Loop): Promise<void> {
    const { gate, loops, options } = this.#setup;
    const startedMs = performance.now();
    let isEndless = true;
    let repetitions = 0;
    const isSlow = (): boolean => repetitions >= MIN_REPETITIONS && performance.now() - startedMs > MAX_TRIAL_MS;
    while (isEndless && repetitions < MAX_REPETITIONS && !isSlow()) {
      for (let at = 0; isEndless && at < loop.steps.length; at++) {
        const own = this.#numbering.number(await gate.quiet()).filter(({ command }) => command.client === loop.client);
        const [next] = await enabledSteps(own, this.#setup);
        if (own.length !== 1 || next === undefined || !goesOn(loop, at, next.command)) isEndless = false;
        else {
          const taken = await takeStep(this.#setup, next.command, undefined);
          this.#record(next.command, taken);
          isEndless = repliesAlike(loop, at, answerOf(taken));
        }
      }
      if (isEndless) repetitions++;
    }
    if (isEndless) {
      const own = this.#numbering.number(await gate.quiet()).filter(({ command }) => command.client === loop.client);
      const [next] = own;
      isEndless = own.length === 1 && next !== undefined && goesOn(loop, 0, next.command);
    }
    loops.add(loop, options.database, { isEndless, repetitions });
  }

  /**
   * All clients that could go on are in loops that were taken to be endless. Lets these go on, one after the other, and says whether one of
   * them is left after all. Asked once for each loop.
   */
  async #isLeft(awaiting: ReadonlyMap<number, Loop>): Promise<boolean> {
    const { loops, options } = this.#setup;
    const isKnown = (loop: Loop): boolean => loops.of(loop, options.database)?.atEnd !== undefined;
    // What waits for the transaction of a crashed client is told so.
    if (this.#setup.transactions.abandonedSessions.length > 0 || [...awaiting.values()].every(isKnown)) return false;
    const done = new Map([...awaiting.keys()].map((client) => [client, 0]));
    const left = await this.#outlast(awaiting, done);
    if (left !== undefined) {
      loops.refute(left, options.database);
      this.#hasRefuted = true;
      return true;
    }
    for (const [client, loop] of awaiting)
      loops.outlasted(loop, options.database, Math.floor((done.get(client) ?? 0) / loop.steps.length));
    return false;
  }

  /** @param done by client, how many steps of its loop it has done. Is changed @returns the loop that was left */
  async #outlast(awaiting: ReadonlyMap<number, Loop>, done: Map<number, number>): Promise<Loop | undefined> {
    const { gate, options, giveUpAtMs } = this.#setup;
    const untilMs = Math.min(performance.now() + MAX_OUTLAST_MS, giveUpAtMs);
    for (let steps = 0; ; steps++) {
      const held = this.#numbering.number(await gate.quiet());
      for (const [client, loop] of awaiting) {
        const own = held.filter(({ command }) => command.client === client);
        if (own.length !== 1 || own.some(({ command }) => !goesOn(loop, done.get(client) ?? 0, command))) return loop;
      }
      const [next] = (await enabledSteps(held, this.#setup))
        .filter(({ choice }) => awaiting.has(choice.client))
        .toSorted((one, other) => (done.get(one.choice.client) ?? 0) - (done.get(other.choice.client) ?? 0));
      if (next === undefined || steps === options.maxSteps || performance.now() >= untilMs) return undefined;
      const { client } = next.choice;
      const at = done.get(client) ?? 0;
      const taken = await takeStep(this.#setup, next.command, undefined);
      this.#record(next.command, taken);
      done.set(client, at + 1);
      const loop = awaiting.get(client);
      if (loop !== undefined && !repliesAlike(loop, at, answerOf(taken))) return loop;
    }
  }

  #enter(client: GatedClient): void {
    const { gate, flow } = this.#setup;
    const { index } = client;
    const life = (this.#lives[index] ?? -1) + 1;
    this.#lives[index] = life;
    this.#awaitCheck.forget(index);
    this.#outcomes[index] = undefined;
    // A crashed life may end much later, when its client is closed.
    const end = (outcome: Outcome<T>): void => {
      if (this.#lives[index] === life) this.#outcomes[index] = outcome;
    };
    this.#flows[index] = gate
      .enter(index, () => flow(client, life), client.underWay)
      .then(
        (value) => end({ kind: 'returned', value }),
        (error: unknown) => end({ kind: 'threw', error }),
      );
  }

  #repetitionsOf(loop: Loop): number {
    const { repetitions = 0, atEnd = 0 } = this.#setup.loops.of(loop, this.#setup.options.database) ?? {};
    return repetitions + atEnd;
  }

  /** All held commands wait. If they wait for transactions that crashed clients left open, the server ends those in time. */
  async #waitForCrashed(held: readonly Numbered[], awaiting: ReadonlyMap<number, Loop>): Promise<void> {
    const { transactions, faults } = this.#setup;
    const abandoned = transactions.abandonedSessions;
    if (abandoned.length === 0) throw neverEnds(held, transactions, awaiting, (loop) => this.#repetitionsOf(loop));
    await faults.waitForServerCleanup(abandoned);
    transactions.endAbandoned();
  }

  /** Of a client that has sent nothing it is not known what it would have done. */
  #pending(): PendingStep[] {
    const { gate, transactions } = this.#setup;
    const silent = gate.live.filter((client) => !this.#held.some(({ command }) => command.client === client));
    return [
      ...this.#held.map((one): PendingStep => {
        const { command } = one;
        const id = idOf(one, this.#setup.rehearsed);
        const footprint = this.#names.rename(transactions.predict(command));
        return { transition: { id, commandId: id, client: command.client }, footprint };
      }),
      ...silent.map((client): PendingStep => {
        const id = `${clientLetter(client)} sends nothing`;
        return { transition: { id, commandId: id, client }, footprint: UNKNOWN };
      }),
    ];
  }

  get #choices(): Choice[] {
    return this.#steps.map(({ choice }) => choice);
  }
}

const FINDS_NONE: Fields = { looked: 0 };

/** What a step brought, for loops: the look of an upsert has no reply of its own. */
const answerOf = ({ reply, isLook }: Awaited<ReturnType<typeof takeStep>>): Fields | undefined =>
  isLook === true ? FINDS_NONE : reply;

/** Overwrites without truncating: if the process dies during the write, the previous token survives. */
function saveToken(file: string, choices: readonly Choice[]): void {
  writeFileSync(file, `${formatToken(choices)}\n`, { flag: 'r+' });
}

/** Has a client sent another command while one that it had sent before was still at the gate? */
function goesOnEarly(before: readonly Numbered[], now: readonly Numbered[]): boolean {
  const waiting = new Set(before.map(({ command }) => command));
  const patient = new Set(before.map(({ command }) => command.client));
  return now.some(({ command }) => !waiting.has(command) && patient.has(command.client));
}

const clientsOf = (enabled: readonly EnabledStep[]): number[] => [
  ...new Set(enabled.map(({ choice }) => choice.client)),
];
