import type { Chooser, Executed } from '../execute-run.ts';
import { expectAboveZero } from '../expect-above-zero.ts';
import { dependent, type Footprint } from '../footprint/footprint.ts';
import { InterleaveError } from '../interleave-error.ts';
import type { ExploreOptions } from '../options.ts';
import type { RunResult } from '../run-result.ts';
import { openCheckpoint, type Checkpoint } from './checkpoint.ts';
import { expectSame } from './expect-same.ts';
import { searchChooser } from './search-chooser.ts';
import { SleepSetSearch, type SearchState } from './sleep-set-search.ts';

const DEFAULT_RUN_LIMIT = 10_000;
const DEFAULT_TIME_LIMIT_MS = 60_000;

/** What an exploration did and found. */
export interface Exploration<T> {
  /** Classes of equivalent schedules, each run once. */
  readonly classes: number;
  /** Runs that turned out to be equivalent to an earlier one. */
  readonly cut: number;
  /** `classes` + `cut`. */
  readonly runs: number;
  readonly seconds: number;
  /** True when there is no further class; false when a limit ended the search. */
  readonly complete: boolean;
  /** From 0 to 1, see `Progress`. */
  readonly fractionDone: number;
  /** The classes whose `check` threw, in the order found. */
  readonly violations: readonly RunResult<T>[];
}

/** How runs are made and judged. */
export interface Runner<T> {
  execute(chooser: Chooser): Promise<Executed<T>>;
  judge(executed: Executed<T>): Promise<RunResult<T>>;
  /** Runs a token, to the letter. */
  follow(token: string): Promise<Executed<T>>;
}

type Search = SleepSetSearch<Footprint>;

/** Runs schedules until each class was met, or a limit. */
export async function explore<T>(
  options: ExploreOptions<T>,
  lanes: readonly [Runner<T>, ...Runner<T>[]],
): Promise<Exploration<T>> {
  const { runLimit = DEFAULT_RUN_LIMIT, timeLimitMs = DEFAULT_TIME_LIMIT_MS, violationLimit = Infinity } = options;
  const { preemptionLimit = Infinity } = options;
  expectAboveZero({ runLimit, timeLimitMs, violationLimit });
  const { limit: faultLimit = 1, kinds = [] } = options.faults ?? {};
  for (const [name, limit] of Object.entries({ 'faults.limit': faultLimit, preemptionLimit })) {
    const isCount = limit >= 0 && (Number.isInteger(limit) || limit === Infinity);
    if (!isCount) throw new InterleaveError('invalid-option', `${name} is an integer from 0, not ${limit}.`);
  }
  if (kinds.includes('error') && lanes.length > 1)
    throw new InterleaveError(
      'invalid-option',
      'The fault "error" is the server\'s, which all lanes share: use one lane.',
    );
  const startedMs = performance.now();
  // Which schedules a preemption limit leaves out is not the same for equivalent ones, so none may stand for another.
  const depends = preemptionLimit === Infinity ? dependent : () => true;
  const checkpoint = await openCheckpoint(options);
  const counts = { classes: 0, cut: 0, fractionDone: 0, ...checkpoint.saved?.counts };
  const violations: RunResult<T>[] = [];
  for (const token of checkpoint.saved?.violations ?? [])
    violations.push(await lanes[0].judge(await lanes[0].follow(token)));

  const waiting = (checkpoint.saved?.searches ?? [[]]).map((state) => new SleepSetSearch(depends, state));
  const running = new Set<Search>();
  let changed = Promise.withResolvers<void>();
  let failure: { readonly error: unknown } | undefined;
  const seconds = (): number => (performance.now() - startedMs) / 1_000;
  const isOver = (): boolean =>
    failure !== undefined ||
    counts.classes + counts.cut >= runLimit ||
    seconds() * 1_000 >= timeLimitMs ||
    violations.length >= violationLimit;

  async function runOnce(lane: Runner<T>, search: Search): Promise<void> {
    const executed = await lane.execute(searchChooser(search, options));
    const result = search.isCut ? undefined : await lane.judge(executed);
    if (result !== undefined && options.twice === true) await expectSame({ executed, result }, lane);
    // From here on at once: another lane may save what is known between two runs.
    const { hasMore, share } = search.end();
    counts.fractionDone += share;
    if (result === undefined) counts.cut++;
    else {
      counts.classes++;
      if (result.verdict.kind === 'violated') violations.push(result);
      options.onClass?.(result);
    }
    running.delete(search);
    if (hasMore) {
      waiting.unshift(search);
      divide(search);
    }
    options.onProgress?.({ ...counts, runs: counts.classes + counts.cut, seconds: seconds() });
  }

  async function work(lane: Runner<T>): Promise<void> {
    while (!isOver()) {
      const search = waiting.shift();
      if (search === undefined) {
        if (running.size === 0) return;
        await changed.promise;
        continue;
      }
      running.add(search);
      try {
        await runOnce(lane, search);
        await checkpoint.save(stateNow);
      } catch (error) {
        failure ??= { error };
        running.delete(search);
      }
      changed.resolve();
      changed = Promise.withResolvers();
    }
  }

  /** Enough searches for all lanes. */
  function divide(search: Search): void {
    for (let idle = lanes.length - running.size - waiting.length; idle > 0; idle--) {
      const state = search.split();
      if (state === undefined) return;
      waiting.push(new SleepSetSearch(depends, state));
    }
  }

  const stateNow = (): Checkpoint => ({
    counts,
    violations: violations.map(({ token }) => token),
    searches: [...running, ...waiting].map((search): SearchState<Footprint> => search.state),
  });

  await Promise.all(lanes.map(work));
  if (failure !== undefined) throw failure.error;
  const complete = waiting.length === 0;
  await checkpoint.end(complete, stateNow);
  return { ...counts, runs: counts.classes + counts.cut, seconds: seconds(), complete, violations };
}
