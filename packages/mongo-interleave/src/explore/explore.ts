import type { Chooser, Executed, Offer } from '../execute-run.ts';
import { dependent, type Footprint } from '../footprint/footprint.ts';
import { InterleaveError } from '../interleave-error.ts';
import type { ExploreOptions } from '../options.ts';
import type { RunResult } from '../run-result.ts';
import { SleepSetSearch } from './sleep-set-search.ts';

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
  /** The classes whose `check` threw, in the order found. */
  readonly violations: readonly RunResult<T>[];
}

/** How runs are made and judged. */
export interface Runner<T> {
  execute(chooser: Chooser): Promise<Executed<T>>;
  judge(executed: Executed<T>): Promise<RunResult<T>>;
}

/** Runs schedules until each class was met, or a limit. */
export async function explore<T>(options: ExploreOptions<T>, runner: Runner<T>): Promise<Exploration<T>> {
  const { runLimit = DEFAULT_RUN_LIMIT, timeLimitMs = DEFAULT_TIME_LIMIT_MS, violationLimit = Infinity } = options;
  for (const [name, limit] of Object.entries({ runLimit, timeLimitMs, violationLimit })) {
    if (!(limit > 0)) throw new InterleaveError('invalid-option', `${name} is above 0, not ${limit}.`);
  }
  const startedMs = performance.now();
  const search = new SleepSetSearch(dependent);
  const chooser = searchChooser(search);
  const violations: RunResult<T>[] = [];
  let classes = 0;
  let cut = 0;
  let hasMore = true;
  const isOver = (): boolean =>
    classes + cut >= runLimit || performance.now() - startedMs >= timeLimitMs || violations.length >= violationLimit;
  while (hasMore && !isOver()) {
    const executed = await runner.execute(chooser);
    const end = search.end();
    hasMore = end.hasMore;
    if (end.kind === 'cut') cut++;
    else {
      classes++;
      const result = await runner.judge(executed);
      if (result.verdict.kind === 'violated') violations.push(result);
      options.onClass?.(result);
    }
  }
  const seconds = (performance.now() - startedMs) / 1_000;
  return { classes, cut, runs: classes + cut, seconds, complete: !hasMore, violations };
}

function searchChooser(search: SleepSetSearch<Footprint>): Chooser {
  return {
    choose: (offers) => {
      const { id } = search.choose(offers.map((offer) => ({ id: offer.id, client: offer.choice.client })));
      return offers.find((offer) => offer.id === id) ?? expectOffer(id);
    },
    took: (footprint) => search.took(footprint),
  };
}

function expectOffer(id: string): Offer {
  throw new InterleaveError('diverged', `${id} was chosen, but it is not at the gate.`);
}
