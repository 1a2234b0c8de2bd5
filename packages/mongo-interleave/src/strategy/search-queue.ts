import type { Footprint } from '../footprint/footprint.ts';
import type { Dependence } from './dependence.ts';
import type { ExploreOptions } from './explore-options.ts';
import { SleepSetSearch, type SearchRelation, type SearchState } from './sleep-set-search.ts';

export type Search = SleepSetSearch<Footprint>;
type State = SearchState<Footprint>;

const ALL_DEPENDENT: SearchRelation<Footprint> = { dependent: () => true, dependentAtOnce: () => true };

/** The parts of one search: those that wait for a worker, and those that a worker runs. */
export class SearchQueue {
  readonly #workers: number;
  readonly #relation: SearchRelation<Footprint>;
  #waiting: Search[];
  readonly #running = new Set<Search>();
  #changed: PromiseWithResolvers<void> = Promise.withResolvers();

  /** @param states where an earlier search was; default: at the beginning */
  constructor(
    dependence: Dependence,
    options: Pick<ExploreOptions<unknown>, 'maxPreemptions' | 'everyState'>,
    workers: number,
    states: readonly State[] = [[]],
  ) {
    this.#workers = workers;
    this.#relation = relationOf(dependence, options);
    this.#waiting = states.map((state) => this.#open(state));
  }

  /** The next part to run a schedule of; undefined if none waits. */
  take(): Search | undefined {
    const search = this.#waiting.shift();
    if (search !== undefined) this.#running.add(search);
    return search;
  }

  /** Starts the whole search again. Runs that workers are in the middle of belong to no search any more. */
  restart(): void {
    this.#running.clear();
    this.#waiting = [this.#open([])];
  }

  /** The part's current run is over. If the part has more to run, it is divided among idle workers. */
  giveBack(search: Search, hasMore: boolean): void {
    const isOfThisSearch = this.#running.delete(search);
    if (!hasMore || !isOfThisSearch) return;
    this.#waiting.unshift(search);
    for (let idle = this.#workers - this.#running.size - this.#waiting.length; idle > 0; idle--) {
      const state = search.split();
      if (state === undefined) return;
      this.#waiting.push(this.#open(state));
    }
  }

  /** The part's current run failed, and is the part's next run again. */
  takeBack(search: Search): void {
    if (!this.#running.delete(search)) return;
    search.abandon();
    this.#waiting.unshift(search);
  }

  /** Wakes the workers that wait for `changed`. */
  announce(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  /** Resolves at the next `announce`. */
  get changed(): Promise<void> {
    return this.#changed.promise;
  }

  /** No part is being run, so none can be divided. */
  get isIdle(): boolean {
    return this.#running.size === 0;
  }

  /** No part waits. */
  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /** All parts, for a checkpoint. A part that is being run starts its current schedule again when it is restored. */
  get states(): State[] {
    return [...this.#running, ...this.#waiting].map((search): State => search.state);
  }

  #open(state: State): Search {
    return new SleepSetSearch(this.#relation, state);
  }
}

function relationOf(
  dependence: Dependence,
  { maxPreemptions = Infinity, everyState = false }: Pick<ExploreOptions<unknown>, 'maxPreemptions' | 'everyState'>,
): SearchRelation<Footprint> {
  // Of two equivalent schedules a preemption limit may exclude one only, so no schedule may stand for another.
  if (maxPreemptions !== Infinity) return ALL_DEPENDENT;
  if (!everyState) return dependence;
  // What moves the snapshot of others changes the committed data.
  const changes = (one: Footprint, other: Footprint): boolean => one.movesSnapshot && other.movesSnapshot;
  return {
    dependent: (one, other) => changes(one, other) || dependence.dependent(one, other),
    dependentAtOnce: (one, other) => changes(one, other) || dependence.dependentAtOnce(one, other),
  };
}
