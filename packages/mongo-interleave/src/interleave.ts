import { expectAboveZero, expectInteger, expectList, expectOptions, shown, type Names } from './check-option.ts';
import { InterleaveError } from './interleave-error.ts';
import { expectInterleaveOptions, type InterleaveOptions } from './run/interleave-options.ts';
import type { RunResult } from './run/result.ts';
import { nothingKnown, type SharedKnowledge } from './run/shared-knowledge.ts';
import { withClock } from './run/with-clock.ts';
import { Worker } from './run/worker.ts';
import { expectSchedule, type Schedule } from './schedule/outline.ts';
import { expectTokenOf, parseToken } from './schedule/token.ts';
import { partsOf } from './strategy/checkpoint.ts';
import { explore, type Exploration } from './strategy/explore.ts';
import { expectExploreOptions, type ExploreOptions } from './strategy/explore-options.ts';
import { runGrid, type GridCell, type GridOptions } from './strategy/fault-grid.ts';
import { outlineScheduler } from './strategy/outline-scheduler.ts';
import { replay } from './strategy/replay.ts';
import { sample, type SampleOptions, type Sampling } from './strategy/sample.ts';
import { shrink } from './strategy/shrink.ts';

const DEFAULT_MAX_SHRINK_RUNS = 30;
const MAX_WORKERS = 64;

interface ShrinkOptions {
  readonly maxRuns?: number;
}

const SHRINK_OPTIONS: Names<ShrinkOptions> = { maxRuns: true };

/** A scenario whose clients are connected through the gate. Concurrent calls run one after the other, in the order of the calls. */
export interface InterleaveSession<T> extends AsyncDisposable {
  /**
   * Runs one schedule of each class of equivalent schedules.
   *
   * @throws InterleaveError `invalid-option`; `nondeterministic` with `twice`; `all-threw`; and the errors of {@link InterleaveSession.run}
   */
  explore(options?: ExploreOptions<T>): Promise<Exploration<T>>;

  /**
   * Runs schedules drawn at random, for scenarios with too many classes for `explore`.
   *
   * @throws InterleaveError `invalid-option`, `all-threw`, and the errors of {@link InterleaveSession.run}
   */
  sample(options: SampleOptions<T>): Promise<Sampling<T>>;

  /**
   * Runs one schedule.
   *
   * - A token: exactly that schedule.
   * - A recorded run: exactly that schedule, and each step must be the same command on the same collection.
   * - A {@link Schedule} in outline: as far as the flows allow it.
   *
   * A run that can't be finished has the verdict `violated` (`never-ends`) or `unknown`, and the session goes on.
   *
   * @throws InterleaveError `invalid-token`; `diverged` if the flows no longer fit the schedule; `nothing-held`. After other errors
   *   (`unsupported-protocol`, an error of `reset`, ...) further calls may throw `stopped`
   */
  run(schedule: string | Pick<RunResult<T>, 'token' | 'trace'> | Schedule): Promise<RunResult<T>>;

  /**
   * Looks for a simpler schedule that is violated too: first with fewer switches between clients, then with fewer clients, then with
   * fewer faults. Tries at most `maxRuns` schedules; default 30.
   *
   * @returns the run of the simplest violated schedule found; the run of the given token if it is not violated
   * @throws InterleaveError the errors of {@link InterleaveSession.run}
   */
  shrink(token: string, options?: ShrinkOptions): Promise<RunResult<T>>;

  /**
   * Injects each fault at each command of client A, without a rival and with client B as the rival.
   *
   * @throws InterleaveError the errors of {@link InterleaveSession.run}
   */
  grid(options?: GridOptions): Promise<readonly GridCell<T>[]>;

  /**
   * Closes clients and ports, and leaves the databases as they are. May be called more than once.
   *
   * @throws InterleaveError `callback-failed` after everything was closed, if `dispose` threw at any time
   */
  close(): Promise<void>;
}

/**
 * Opens a gate in front of the database and connects the clients through it.
 *
 * @throws InterleaveError `invalid-option`, also if no server answers within 3 seconds, or within `serverSelectionTimeoutMS` of the uri
 */
export async function interleave<T, P = undefined>(options: InterleaveOptions<T, P>): Promise<InterleaveSession<T>> {
  expectInterleaveOptions(options);
  const known = nothingKnown();
  return new OpenSession<T, P>(options, await Worker.open(withClock(options), known), known);
}

class OpenSession<T, P> implements InterleaveSession<T> {
  readonly #options: InterleaveOptions<T, P>;
  readonly #workers: [Worker<T, P>, ...Worker<T, P>[]];
  #last: Promise<unknown> = Promise.resolve();
  readonly #known: SharedKnowledge;
  #isClosed = false;

  constructor(options: InterleaveOptions<T, P>, worker: Worker<T, P>, known: SharedKnowledge) {
    this.#known = known;
    this.#options = options;
    this.#workers = [worker];
  }

  explore(options: ExploreOptions<T> = {}): Promise<Exploration<T>> {
    return this.#afterOthers(async () => {
      const { workers = 1 } = options ?? {};
      expectInteger({ workers }, 1, MAX_WORKERS, 'explore');
      expectExploreOptions(options, { workers, clients: this.#clients });
      this.#workers[0].expectPossible(options.faults?.kinds ?? []);
      return explore(this.#sparing(options), await this.#openWorkers(workers), this.#scenario);
    });
  }

  sample(options: SampleOptions<T>): Promise<Sampling<T>> {
    return this.#afterOthers(() => sample(options, this.#workers[0], this.#options.mayAllThrow));
  }

  run(schedule: string | Pick<RunResult<T>, 'token' | 'trace'> | Schedule): Promise<RunResult<T>> {
    const worker = this.#workers[0];
    return this.#afterOthers(async () => {
      if (typeof schedule === 'string') {
        this.#expectToken(schedule);
        return worker.judge(await replay(worker, schedule));
      }
      if (typeof schedule !== 'object' || schedule === null)
        throw new InterleaveError('invalid-option', `run takes a token, a run or a schedule, not ${shown(schedule)}.`);
      if ('token' in schedule) {
        const { token, trace } = schedule;
        this.#expectToken(token);
        expectList({ trace }, 'run');
        return worker.judge(await replay(worker, token, trace));
      }
      expectSchedule('run', schedule, this.#clients);
      worker.expectPossible(schedule.faults.map(({ kind }) => kind));
      return worker.judge(await worker.execute(outlineScheduler(schedule)));
    });
  }

  shrink(token: string, options: ShrinkOptions = {}): Promise<RunResult<T>> {
    const worker = this.#workers[0];
    return this.#afterOthers(async () => {
      this.#expectToken(token);
      expectOptions('shrink', options, SHRINK_OPTIONS);
      const { maxRuns = DEFAULT_MAX_SHRINK_RUNS } = options;
      expectAboveZero({ maxRuns }, 'shrink');
      const execution = await replay(worker, token);
      const failing = await worker.judge(execution);
      if (failing.verdict.kind === 'valid') return failing;
      return shrink({ failing, execution }, worker, maxRuns);
    });
  }

  grid(options: GridOptions = {}): Promise<readonly GridCell<T>[]> {
    return this.#afterOthers(() => runGrid(options, this.#options.clients, this.#workers[0]));
  }

  #expectToken(token: string): void {
    expectTokenOf(token, this.#clients);
    this.#workers[0].expectPossible(parseToken(token).map(({ fault }) => fault));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all(this.#workers.map((worker) => worker.close()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  get #scenario(): Parameters<typeof explore>[2] {
    const { mayAllThrow = false } = this.#options;
    const { startStates } = this.#known;
    return { clients: this.#clients, mayAllThrow, startStates, parts: partsOf(this.#options) };
  }

  /** With the clock. */
  get #clients(): number {
    const { clients, clock } = this.#options;
    return clients + (clock === undefined ? 0 : 1);
  }

  /** No faults at the ticks of the clock, unless the clients are named. */
  #sparing(options: ExploreOptions<T>): ExploreOptions<T> {
    const { clients, clock } = this.#options;
    if (clock === undefined || options.faults === undefined) return options;
    const own = Array.from({ length: clients }, (_, client) => client);
    return { ...options, faults: { clients: own, ...options.faults } };
  }

  /** Runs one call at a time, because all calls share the databases. */
  #afterOthers<R>(call: () => Promise<R>): Promise<R> {
    const mine = this.#last.then(call);
    this.#last = mine.catch(() => undefined);
    return mine;
  }

  async #openWorkers(count: number): Promise<readonly [Worker<T, P>, ...Worker<T, P>[]]> {
    while (this.#workers.length < count) {
      const { database, tokenFile } = this.#options;
      const suffix = `_${this.#workers.length + 1}`;
      const own = {
        database: database + suffix,
        ...(tokenFile === undefined ? {} : { tokenFile: tokenFile + suffix }),
      };
      const worker = await Worker.open(withClock({ ...this.#options, ...own }), this.#known);
      this.#workers.push(worker);
      // `close` was called while this worker opened, and did not know of it.
      if (this.#isClosed) await worker.close();
    }
    const [first, ...others] = this.#workers;
    return [first, ...others.slice(0, count - 1)];
  }
}
