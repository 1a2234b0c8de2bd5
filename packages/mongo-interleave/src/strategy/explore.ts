import type { StartStates } from '../footprint/start-states.ts';
import { commandText } from '../gate/message.ts';
import { InterleaveError } from '../interleave-error.ts';
import { tell } from '../run/bad-run.ts';
import type { Condition } from '../run/condition.ts';
import { isOwnError } from '../run/error-lines.ts';
import type { Execution } from '../run/execution.ts';
import type { RunResult } from '../run/result.ts';
import type { Runner } from '../run/runner.ts';
import { Dependence } from './dependence.ts';
import { openCheckpoint, type Checkpoint, type CheckpointFile } from './checkpoint.ts';
import { expectSame } from './expect-same.ts';
import type { ExploreOptions } from './explore-options.ts';
import { FailedStarts } from './failed-starts.ts';
import { keepFound, type Found } from './found.ts';
import { replay } from './replay.ts';
import { searchScheduler } from './search-scheduler.ts';
import { SearchQueue, type Search } from './search-queue.ts';
import type { RunEnd } from './sleep-set-search.ts';
import { Summary } from './summary.ts';
import { Violations, type Violation } from './violations.ts';

const DEFAULT_MAX_RUNS = 10_000;
const DEFAULT_MAX_DURATION_MS = 60_000;

/** What an exploration did and found. */
export interface Exploration<T> extends Found<T> {
  /** Classes of equivalent schedules; one schedule of each class was run. */
  readonly classes: number;
  /** Runs that turned out to be equivalent to an earlier run (sleep-set blocked). */
  readonly redundant: number;
  /** `classes` + `redundant`. */
  readonly runs: number;
  /** True if every class was run and judged; false if a limit stopped the search, or a run could not be finished or judged. */
  readonly complete: boolean;
  /** From 0 to 1, see `Progress`. */
  readonly fractionDone: number;
}

/** What the search has to know of the scenario. */
interface ExploredScenario {
  readonly clients: number;
  readonly mayAllThrow?: boolean | undefined;
  /** What the workers know of their start states. */
  readonly startStates: Pick<StartStates, 'refuted' | 'state' | 'restore'>;
  /** By name: what tells this scenario from another, for the checkpoint. */
  readonly parts?: Readonly<Record<string, string>>;
}

/**
 * Runs one schedule of each class of equivalent schedules, until all classes were run or a limit is reached.
 *
 * @throws InterleaveError `invalid-option`, `nondeterministic`, `all-threw`, `callback-failed`, and the errors of the runs.
 *   {@link foundBefore} tells what was found before the error
 */
export async function explore<T>(
  options: ExploreOptions<T>,
  workers: readonly [Runner<T>, ...Runner<T>[]],
  { clients, mayAllThrow = false, startStates, parts = {} }: ExploredScenario,
): Promise<Exploration<T>> {
  const startedMs = performance.now();
  const checkpoint = await openCheckpoint(options, clients, parts);
  const explorer = new Explorer(options, workers.length, { checkpoint, startStates, startedMs });
  await explorer.replayViolations(workers[0]);
  await Promise.all(workers.map((worker) => explorer.work(worker)));
  return explorer.end(mayAllThrow);
}

/** The state that the workers of one exploration share. */
class Explorer<T> {
  readonly #options: ExploreOptions<T>;
  readonly #dependence: Dependence;
  readonly #queue: SearchQueue;
  readonly #checkpoint: CheckpointFile;
  readonly #startStates: ExploredScenario['startStates'];
  readonly #startedMs: number;
  readonly #counts: { classes: number; redundant: number; fractionDone: number };
  #violations = new Violations<T>();
  #summary: Summary<T>;
  /** What searches found that were started again. */
  readonly #earlier: Violation<T>[] = [];
  /** What is known of the start states is as when the search began. */
  #refuted: number;
  /** The search must start again, but a limit has stopped it. */
  #isStale = false;
  #failure: { readonly error: unknown } | undefined;
  /** No run has been counted yet, but for those of a checkpoint. */
  #isFirst = true;

  constructor(
    options: ExploreOptions<T>,
    workers: number,
    {
      checkpoint,
      startStates,
      startedMs,
    }: Pick<ExploredScenario, 'startStates'> & {
      readonly checkpoint: CheckpointFile;
      readonly startedMs: number;
    },
  ) {
    this.#options = options;
    this.#dependence = new Dependence(checkpoint.saved?.observed);
    this.#queue = new SearchQueue(this.#dependence, options, workers, checkpoint.saved?.searches);
    this.#checkpoint = checkpoint;
    this.#startStates = startStates;
    if (checkpoint.saved !== undefined) startStates.restore(checkpoint.saved.startStates);
    this.#refuted = startStates.refuted;
    this.#startedMs = startedMs;
    this.#summary = new Summary(checkpoint.saved?.summary);
    this.#counts = { classes: 0, redundant: 0, fractionDone: 0, ...checkpoint.saved?.counts };
  }

  /** A checkpoint holds the tokens of the failures found so far, not their runs. */
  async replayViolations(worker: Runner<T>): Promise<void> {
    for (const { token, classes } of this.#checkpoint.saved?.violations ?? [])
      this.#violations.add(await again(worker, token), classes);
  }

  /** Runs one schedule after the other until none is left or a limit is reached. */
  async work(worker: Runner<T>): Promise<void> {
    const failedStarts = new FailedStarts();
    while (!this.#isOver()) {
      const search = this.#queue.take();
      if (search === undefined) {
        if (!this.#queue.isIdle) await this.#queue.changed;
        else if (!(await this.#mayGoOn(worker, failedStarts))) return;
        continue;
      }
      try {
        await this.#runOnce(worker, search);
        failedStarts.ended();
        await this.#checkpoint.save(() => this.#state());
      } catch (error) {
        this.#queue.takeBack(search);
        if (!failedStarts.mayTryAgain(error, this.#runs)) this.#failure ??= { error };
      }
      this.#queue.announce();
    }
  }

  async end(mayAllThrow: boolean): Promise<Exploration<T>> {
    const isDone = this.#queue.isEmpty && !this.#isStale && this.#failure === undefined;
    try {
      // Whatever ended the first run may have to do with the checkpoint, which is left as it is.
      if (!this.#isFirst)
        await this.#checkpoint.end(isDone, () => (this.#isStale ? this.#restartedState() : this.#state()));
    } catch (error) {
      this.#failure ??= { error };
    }
    // A search that is done has met them again.
    if (!isDone) this.#keepEarlier();
    if (this.#failure !== undefined) throw this.#withFound(this.#failure.error);
    if (this.#violations.classes === 0 && !mayAllThrow) this.#summary.expectReturned();
    return this.#exploration(isDone);
  }

  #exploration(isDone: boolean): Exploration<T> {
    const { classes: violated, all: violations } = this.#violations;
    return {
      ...this.#counts,
      // The fractions of all runs add up to 1, but for the errors of their sum.
      fractionDone: isDone ? 1 : Math.min(1, this.#counts.fractionDone),
      runs: this.#runs,
      seconds: this.#seconds(),
      complete: isDone && this.#summary.isWhole,
      violated,
      violations,
      conditions: [...this.#assumed, ...limitsOf(this.#options), ...this.#nothingRaced(isDone)],
      ends: this.#summary.ends,
    };
  }

  /** With chains, all orders of commands that a client sends at once are explored. */
  get #assumed(): readonly Condition[] {
    const { chains } = this.#dependence.observed;
    return this.#summary.conditions.filter(({ kind }) => !(chains && kind === 'at-once'));
  }

  #withFound(error: unknown): unknown {
    return this.#runs === 0 ? error : keepFound(error, this.#exploration(false));
  }

  /** One class of several clients proves little: often they don't share what the user thinks, or a reset leaves nothing to share. */
  #nothingRaced(isDone: boolean): Condition[] {
    const clients = this.#summary.ends.length;
    return isDone && clients > 1 && this.#counts.classes === 1 && this.#violations.classes === 0
      ? [{ kind: 'no-race' }]
      : [];
  }

  /** Before the search may end. If the start state was taken to be the same by mistake, the search starts again. */
  async #mayGoOn(worker: Runner<T>, failedStarts: FailedStarts): Promise<boolean> {
    // With a limit of preemptions no run is compared with another.
    if (this.#options.maxPreemptions !== undefined) return false;
    try {
      const isAnother = await worker.recheckStart();
      failedStarts.ended();
      if (!this.#hasRefuted() && !isAnother) return false;
      this.#restart();
      this.#queue.announce();
      return true;
    } catch (error) {
      if (failedStarts.mayTryAgain(error, this.#runs)) return true;
      this.#failure ??= { error };
      return false;
    }
  }

  async #runOnce(worker: Runner<T>, search: Search): Promise<void> {
    const { maxDurationMs = DEFAULT_MAX_DURATION_MS, twice = false } = this.#options;
    const scheduler = searchScheduler(search, this.#options);
    const execution = this.#explain(await worker.execute(scheduler, this.#startedMs + maxDurationMs));
    if (execution.isGivenUp) {
      search.abandon();
      this.#queue.giveBack(search, true);
      if (this.#hasRefuted() || execution.hasRefuted) this.#startAgain();
      return;
    }
    const { failure, stepFailure, pending } = execution;
    const isJudged = !search.isRedundant || failure !== undefined || stepFailure !== undefined;
    const result = isJudged ? await worker.judge(execution) : undefined;
    if (result !== undefined && failure === undefined && twice) await expectSame({ execution, result }, worker);
    // No await from here on: another worker may save a checkpoint, which must hold this run whole or not at all.
    if (failure !== undefined) search.pending(pending);
    const { kind, hasMore, treeFraction } = search.end(failure === undefined ? Infinity : lengthToGoOnFrom(execution));
    const isFirst = this.#isFirst && this.#checkpoint.saved === undefined;
    const counted = this.#count(kind, execution, result, treeFraction);
    this.#queue.giveBack(search, hasMore);
    const steps = execution.steps.map(({ choice, footprint }) => ({ client: choice.client, footprint }));
    const hasLearned = this.#dependence.learn(steps, execution.hasChains);
    const hasRefuted = this.#hasRefuted() && !isFirst;
    if (hasLearned || hasRefuted || execution.hasRefuted) this.#startAgain();
    const progress = { ...this.#counts, runs: this.#runs, seconds: this.#seconds() };
    // The run is counted by now, so that nothing is lost if one of these throws.
    if (counted !== undefined) await tell('onClass', this.#options.onClass, counted);
    await tell('onProgress', this.#options.onProgress, progress);
  }

  /**
   * What differs in the second run already is most often something that the first run has changed for good.
   *
   * @throws InterleaveError `invalid-option` if the first run after a checkpoint meets other commands
   */
  #explain(execution: Execution<T>): Execution<T> {
    const { failure } = execution;
    if (failure?.code !== 'diverged') return execution;
    if (this.#isFirst && this.#checkpoint.saved !== undefined) throw this.#checkpoint.foreign(failure);
    if (this.#runs > 1) return execution;
    const why =
      'The first run may have changed the start state (collections, indexes) or the program for good: make collections and indexes in `reset`, and start the program in `prepare`.';
    return { ...execution, failure: new InterleaveError('diverged', `${failure.message} ${why}`) };
  }

  /**
   * @param result undefined for a redundant run that ended as it should
   * @returns the result if it stands for a class, or if only this run shows what is wrong
   */
  #count(
    kind: RunEnd['kind'],
    execution: Execution<T>,
    result: RunResult<T> | undefined,
    treeFraction: number,
  ): RunResult<T> | undefined {
    this.#isFirst = false;
    this.#counts.fractionDone += treeFraction;
    if (kind === 'redundant') this.#counts.redundant++;
    else this.#counts.classes++;
    if (result === undefined) return undefined;
    // A redundant run that never ends belongs to a class that was explored before. What `onStep` saw in it may be new.
    if (kind === 'redundant' && result.verdict.kind === 'violated' && execution.stepFailure === undefined)
      return undefined;
    this.#violations.add(result);
    this.#summary.add(execution, result);
    return result;
  }

  /** Has a start state shown since the last time that values differ which were taken to be the same in each? */
  #hasRefuted(): boolean {
    const { refuted } = this.#startStates;
    const hasRefuted = refuted > this.#refuted;
    this.#refuted = refuted;
    return hasRefuted;
  }

  /** All that was run so far took something for granted that is not so. */
  #startAgain(): void {
    if (this.#isOver()) this.#isStale = true;
    else this.#restart();
  }

  /** A run has shown that more steps are dependent: classes that were one are several, so all runs so far count as redundant. */
  #restart(): void {
    this.#counts.redundant += this.#counts.classes;
    this.#counts.classes = 0;
    this.#counts.fractionDone = 0;
    this.#earlier.push(...this.#violations.all);
    this.#violations = new Violations();
    this.#summary = this.#summary.restarted();
    this.#queue.restart();
  }

  /** Nothing that was found is lost when a limit stops the search that was started again. */
  #keepEarlier(): void {
    for (const violation of this.#earlier)
      if (!this.#violations.all.some(({ key }) => key === violation.key))
        this.#violations.add(violation, violation.classes);
  }

  #isOver(): boolean {
    const { maxRuns = DEFAULT_MAX_RUNS, maxDurationMs = DEFAULT_MAX_DURATION_MS } = this.#options;
    const { maxViolations = Infinity } = this.#options;
    return (
      this.#failure !== undefined ||
      this.#runs >= maxRuns ||
      this.#seconds() * 1_000 >= maxDurationMs ||
      this.#violations.classes >= maxViolations
    );
  }

  #state(): Checkpoint {
    return {
      counts: this.#counts,
      violations: this.#violations.all.map(({ token, classes }) => ({ token, classes })),
      summary: this.#summary.state,
      searches: this.#queue.states,
      observed: this.#dependence.observed,
      startStates: this.#startStates.state,
    };
  }

  #restartedState(): Checkpoint {
    return {
      counts: { classes: 0, redundant: this.#runs, fractionDone: 0 },
      violations: [],
      summary: this.#summary.restarted().state,
      searches: [[]],
      observed: this.#dependence.observed,
      startStates: this.#startStates.state,
    };
  }

  get #runs(): number {
    return this.#counts.classes + this.#counts.redundant;
  }

  #seconds(): number {
    return (performance.now() - this.#startedMs) / 1_000;
  }
}

const limitsOf = ({ maxPreemptions }: Pick<ExploreOptions<unknown>, 'maxPreemptions'>): Condition[] =>
  maxPreemptions === undefined ? [] : [{ kind: 'preemptions', max: maxPreemptions }];

/**
 * How many steps of a run that did not end by itself the search goes on from: all, except for a run that was ended by `maxSteps`. Such a
 * run only repeats from some step on. The search goes on from the step before which each client had sent each kind of command (name and
 * collection) for the first time: what follows is the tail of the loop, which has no end to search to.
 */
function lengthToGoOnFrom<T>({ steps, isCutOff }: Execution<T>): number {
  if (!isCutOff) return steps.length;
  const kinds = steps.map(({ choice, command }) => `${choice.client} ${commandText(command)}`);
  return Math.max(...[...new Set(kinds)].map((kind) => kinds.indexOf(kind))) + 1;
}

/** Runs the schedule of a failure again. */
async function again<T>(worker: Runner<T>, token: string): Promise<RunResult<T>> {
  try {
    return await worker.judge(await replay(worker, token));
  } catch (error) {
    // A run that ended before its first step has a token without steps.
    if (!isOwnError(error, 'diverged') && !isOwnError(error, 'nothing-held')) throw error;
    return { token, trace: [], preemptions: 0, outcomes: [], endings: [], verdict: { kind: 'unknown', error } };
  }
}
