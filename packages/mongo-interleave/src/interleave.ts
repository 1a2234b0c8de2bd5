import type { Executed } from './execute-run.ts';
import { explore, type Exploration, type Runner } from './explore/explore.ts';
import { runGrid, type GridCell, type GridOptions } from './grid/fault-grid.ts';
import { InterleaveError } from './interleave-error.ts';
import { Lane } from './lane.ts';
import type { ExploreOptions, InterleaveOptions } from './options.ts';
import type { RunResult } from './run-result.ts';
import { sample, type SampleOptions, type Sampling } from './sample/sample.ts';
import { expectWhole, replayChooser } from './schedule/replay.ts';
import { scheduleChooser, type Schedule } from './schedule/schedule.ts';
import { shrink } from './schedule/shrink.ts';
import { parseToken } from './schedule/token.ts';

const DEFAULT_SHRINK_LIMIT = 30;
const MAX_LANES = 64;

/** A scenario whose clients are connected through the gate. Calls are served one after the other, in the order asked for. */
export interface Interleaving<T> extends AsyncDisposable {
  /**
   * Runs one schedule of each class of equivalent ones.
   *
   * @throws InterleaveError see {@link Interleaving.run}; `nondeterministic` where each schedule is run twice
   */
  explore(options?: ExploreOptions<T>): Promise<Exploration<T>>;

  /**
   * Runs schedules that are drawn at random, for more clients than `explore` can go through.
   *
   * @throws InterleaveError see {@link Interleaving.run}
   */
  sample(options: SampleOptions<T>): Promise<Sampling<T>>;

  /**
   * Runs a schedule: that of a token, to the letter; that of a recorded run, with the same command at each step; or one that is only
   * outlined, as far as the flow goes along.
   *
   * @throws InterleaveError `invalid-token`; `diverged` when the flows now send other commands; `nothing-held`.
   *   After any other code (`stuck`, `step-limit`, `watchdog`, ...) everything is closed, and a further call throws `stopped`.
   */
  run(schedule: string | Pick<RunResult<T>, 'token' | 'trace'> | Schedule): Promise<RunResult<T>>;

  /**
   * Looks for a simpler schedule that is violated too: first with fewer switches from client to client, then with fewer clients and
   * faults. `runLimit` is how many to try; default 30.
   *
   * @returns the simplest found; the given one's run when there is none, or when it is not violated
   * @throws InterleaveError see {@link Interleaving.run}
   */
  shrink(token: string, options?: { readonly runLimit?: number }): Promise<RunResult<T>>;

  /**
   * Lets each fault happen at each command of client A, alone and with B as a rival.
   *
   * @throws InterleaveError see {@link Interleaving.run}
   */
  grid(options?: GridOptions): Promise<readonly GridCell<T>[]>;

  /** Closes clients and ports. The databases stay as they are. May be called again. */
  close(): Promise<void>;
}

/**
 * Opens a gate in front of the database, with a port and a client for each caller.
 *
 * @throws InterleaveError `invalid-option`; errors of the driver when the server can't be reached
 */
export async function interleave<T>(options: InterleaveOptions<T>): Promise<Interleaving<T>> {
  const { stepLimit } = options;
  if (stepLimit !== undefined && (!Number.isInteger(stepLimit) || stepLimit < 1)) {
    throw new InterleaveError('invalid-option', `stepLimit is an integer above 0, not ${stepLimit}.`);
  }
  return new OpenInterleaving(options, await Lane.open(options));
}

class OpenInterleaving<T> implements Interleaving<T> {
  readonly #options: InterleaveOptions<T>;
  readonly #lanes: [Lane<T>, ...Lane<T>[]];
  #last: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  constructor(options: InterleaveOptions<T>, lane: Lane<T>) {
    this.#options = options;
    this.#lanes = [lane];
  }

  explore(options: ExploreOptions<T> = {}): Promise<Exploration<T>> {
    return this.#alone(async () => {
      const [first, ...others] = await this.#openLanes(options.lanes ?? 1);
      return explore(options, [runnerOf(first), ...others.map(runnerOf)]);
    });
  }

  sample(options: SampleOptions<T>): Promise<Sampling<T>> {
    return this.#alone(() => sample(options, runnerOf(this.#lanes[0])));
  }

  run(schedule: string | Pick<RunResult<T>, 'token' | 'trace'> | Schedule): Promise<RunResult<T>> {
    const lane = this.#lanes[0];
    return this.#alone(async () => {
      if (typeof schedule === 'string') return lane.judge(await follow(lane, schedule));
      if ('token' in schedule) return lane.judge(await follow(lane, schedule.token, schedule.trace));
      return lane.judge(await lane.execute(scheduleChooser(schedule)));
    });
  }

  shrink(token: string, { runLimit = DEFAULT_SHRINK_LIMIT } = {}): Promise<RunResult<T>> {
    const lane = this.#lanes[0];
    return this.#alone(async () => {
      const executed = await follow(lane, token);
      const failing = await lane.judge(executed);
      if (failing.verdict.kind === 'valid') return failing;
      return shrink({ failing, executed }, runnerOf(lane), runLimit);
    });
  }

  grid(options: GridOptions = {}): Promise<readonly GridCell<T>[]> {
    return this.#alone(() => runGrid(options, this.#options.clients, runnerOf(this.#lanes[0])));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all(this.#lanes.map((lane) => lane.close()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** One call at a time: they share the databases. */
  #alone<R>(work: () => Promise<R>): Promise<R> {
    const mine = this.#last.then(work);
    this.#last = mine.catch(() => undefined);
    return mine;
  }

  async #openLanes(count: number): Promise<readonly [Lane<T>, ...Lane<T>[]]> {
    if (!Number.isInteger(count) || count < 1 || count > MAX_LANES)
      throw new InterleaveError('invalid-option', `lanes is an integer from 1 to ${MAX_LANES}, not ${count}.`);
    while (this.#lanes.length < count) {
      const { database, tokenFile } = this.#options;
      const number = `_${this.#lanes.length + 1}`;
      const own = {
        database: database + number,
        ...(tokenFile === undefined ? {} : { tokenFile: tokenFile + number }),
      };
      const lane = await Lane.open({ ...this.#options, ...own });
      this.#lanes.push(lane);
      if (this.#isClosed) await lane.close();
    }
    const [first, ...others] = this.#lanes;
    return [first, ...others.slice(0, count - 1)];
  }
}

const runnerOf = <T>(lane: Lane<T>): Runner<T> => ({
  execute: (chooser) => lane.execute(chooser),
  judge: (executed) => lane.judge(executed),
  follow: (token) => follow(lane, token),
});

async function follow<T>(lane: Lane<T>, token: string, recorded: RunResult<T>['trace'] = []): Promise<Executed<T>> {
  const choices = parseToken(token);
  const executed = await lane.execute(replayChooser(choices, recorded));
  expectWhole(choices, executed.trace.length);
  return executed;
}
