import { expectAboveZero, expectCount } from '../check-option.ts';
import { InterleaveError } from '../interleave-error.ts';
import type { RunResult } from '../run/result.ts';
import type { Runner } from '../run/runner.ts';
import { Dependence } from './dependence.ts';
import { openCheckpoint, type Checkpoint, type CheckpointFile } from './checkpoint.ts';
import { expectSame } from './expect-same.ts';
import type { ExploreOptions } from './explore-options.ts';
import { replay } from './replay.ts';
import { searchScheduler } from './search-scheduler.ts';
import { SearchQueue, type Search } from './search-queue.ts';

const DEFAULT_MAX_RUNS = 10_000;
const DEFAULT_MAX_DURATION_MS = 60_000;

/** What an exploration did and found. */
export interface Exploration<T> {
  /** Classes of equivalent schedules; one schedule of each class was run. */
  readonly classes: number;
  /** Runs that turned out to be equivalent to an earlier run (sleep-set blocked). */
  readonly redundant: number;
  /** `classes` + `redundant`. */
  readonly runs: number;
  readonly seconds: number;
  /** True if every class was run; false if a limit stopped the search. */
  readonly complete: boolean;
  /** From 0 to 1, see `Progress`. */
  readonly fractionDone: number;
  /** The runs whose `check` threw, in the order in which they were found. */
  readonly violations: readonly RunResult<T>[];
}

/**
 * Runs one schedule of each class of equivalent schedules, until all classes were run or a limit is reached.
 *
 * @throws InterleaveError `invalid-option`, `nondeterministic`, and the errors of the runs
 */
export async function explore<T>(
  options: ExploreOptions<T>,
  workers: readonly [Runner<T>, ...Runner<T>[]],
): Promise<Exploration<T>> {
  expectValid(options, workers.length);
  const startedMs = performance.now();
  const explorer = new Explorer(options, workers.length, await openCheckpoint(options), startedMs);
  await explorer.replayViolations(workers[0]);
  await Promise.all(workers.map((worker) => explorer.work(worker)));
  return explorer.end();
}

function expectValid<T>(options: ExploreOptions<T>, workers: number): void {
  const { maxRuns = 1, maxDurationMs = 1, maxViolations = 1, maxPreemptions = 0, faults } = options;
  expectAboveZero({ maxRuns, maxDurationMs, maxViolations });
  expectCount({ 'faults.maxFaults': faults?.maxFaults ?? 0, maxPreemptions });
  if (faults?.kinds.includes('error') === true && workers > 1)
    throw new InterleaveError(
      'invalid-option',
      'The fault "error" sets a fail point on the server, which all workers share: use one worker.',
    );
}

/** The state that the workers of one exploration share. */
class Explorer<T> {
  readonly #options: ExploreOptions<T>;
  readonly #dependence: Dependence;
  readonly #queue: SearchQueue;
  readonly #checkpoint: CheckpointFile;
  readonly #startedMs: number;
  readonly #counts: { classes: number; redundant: number; fractionDone: number };
  #violations: RunResult<T>[] = [];
  #failure: { readonly error: unknown } | undefined;

  constructor(options: ExploreOptions<T>, workers: number, checkpoint: CheckpointFile, startedMs: number) {
    this.#options = options;
    this.#dependence = new Dependence(checkpoint.saved?.observed);
    this.#queue = new SearchQueue(this.#dependence, options, workers, checkpoint.saved?.searches);
    this.#checkpoint = checkpoint;
    this.#startedMs = startedMs;
    this.#counts = { classes: 0, redundant: 0, fractionDone: 0, ...checkpoint.saved?.counts };
  }

  /** A checkpoint holds the tokens of the violations found so far, not their results. */
  async replayViolations(worker: Runner<T>): Promise<void> {
    for (const token of this.#checkpoint.saved?.violations ?? [])
      this.#violations.push(await worker.judge(await replay(worker, token)));
  }

  /** Runs one schedule after the other until none is left or a limit is reached. */
  async work(worker: Runner<T>): Promise<void> {
    while (!this.#isOver()) {
      const search = this.#queue.take();
      if (search === undefined) {
        if (this.#queue.isIdle) return;
        await this.#queue.changed;
        continue;
      }
      try {
        await this.#runOnce(worker, search);
        await this.#checkpoint.save(() => this.#state());
      } catch (error) {
        this.#failure ??= { error };
        this.#queue.drop(search);
      }
      this.#queue.announce();
    }
  }

  async end(): Promise<Exploration<T>> {
    if (this.#failure !== undefined) throw this.#failure.error;
    const complete = this.#queue.isEmpty;
    await this.#checkpoint.end(complete, () => this.#state());
    return {
      ...this.#counts,
      runs: this.#runs,
      seconds: this.#seconds(),
      complete,
      violations: this.#violations,
    };
  }

  async #runOnce(worker: Runner<T>, search: Search): Promise<void> {
    const execution = await worker.execute(searchScheduler(search, this.#options));
    const result = search.isRedundant ? undefined : await worker.judge(execution);
    if (result !== undefined && this.#options.twice === true) await expectSame({ execution, result }, worker);
    // No await from here on: another worker may save a checkpoint, which must hold this run whole or not at all.
    const { hasMore, treeFraction } = search.end();
    this.#count(result, treeFraction);
    this.#queue.giveBack(search, hasMore);
    const steps = execution.steps.map(({ choice, footprint }) => ({ client: choice.client, footprint }));
    if (this.#dependence.learn(steps)) this.#restart();
    this.#options.onProgress?.({ ...this.#counts, runs: this.#runs, seconds: this.#seconds() });
  }

  /** @param result undefined for a redundant run */
  #count(result: RunResult<T> | undefined, treeFraction: number): void {
    this.#counts.fractionDone += treeFraction;
    if (result === undefined) {
      this.#counts.redundant++;
      return;
    }
    this.#counts.classes++;
    if (result.verdict.kind === 'violated') this.#violations.push(result);
    this.#options.onClass?.(result);
  }

  /** A run has shown that more steps are dependent: classes that were one are several, so all runs so far count as redundant. */
  #restart(): void {
    this.#counts.redundant += this.#counts.classes;
    this.#counts.classes = 0;
    this.#counts.fractionDone = 0;
    this.#violations = [];
    this.#queue.restart();
  }

  #isOver(): boolean {
    const { maxRuns = DEFAULT_MAX_RUNS, maxDurationMs = DEFAULT_MAX_DURATION_MS } = this.#options;
    const { maxViolations = Infinity } = this.#options;
    return (
      this.#failure !== undefined ||
      this.#runs >= maxRuns ||
      this.#seconds() * 1_000 >= maxDurationMs ||
      this.#violations.length >= maxViolations
    );
  }

  #state(): Checkpoint {
    return {
      counts: this.#counts,
      violations: this.#violations.map(({ token }) => token),
      searches: this.#queue.states,
      observed: this.#dependence.observed,
    };
  }

  get #runs(): number {
    return this.#counts.classes + this.#counts.redundant;
  }

  #seconds(): number {
    return (performance.now() - this.#startedMs) / 1_000;
  }
}
