import { InterleaveError } from '../interleave-error.ts';

/** Something that may be done next. `id` stays the same while it may be done, and tells it from all else in a run. */
export interface Transition {
  readonly id: string;
  readonly client: number;
}

interface Taken<F> {
  readonly transition: Transition;
  readonly footprint: F;
}

/** One state on the way of the present run. Plain data. */
interface Node<F> {
  readonly enabled: readonly Transition[];
  /** What an earlier run has done here, or before here, and nothing since then depended on. */
  readonly sleep: readonly Taken<F>[];
  readonly done: readonly Taken<F>[];
  readonly chosen: Transition;
  readonly footprint: F | undefined;
  /** Its other choices are another search's. */
  readonly isShared: boolean;
}

/** Where a search is, as plain data. */
export type SearchState<F> = readonly Node<F>[];

/** The end of a run. */
export interface RunEnd {
  /** It was the only one of its class, or equivalent to an earlier one. */
  readonly kind: 'class' | 'cut';
  /** Is there another to run? */
  readonly hasMore: boolean;
  /** Its share of the whole tree, were the choices of each state equally large; the shares of all runs add up to 1. */
  readonly share: number;
}

/**
 * Which schedules to run so that each class of equivalent ones is run once, to its end (sleep sets, Godefroid). Two schedules
 * are equivalent when swapping neighbours that don't depend on each other turns one into the other.
 *
 * Say A and B commute at a state. After the runs that begin with A are all over, those that begin with B need not do A next:
 * "B A ..." is "A B ...". So A sleeps after B, until something is done that depends on A. Where all that is enabled
 * sleeps, the run is cut: its class was met before.
 *
 * Pure: the caller executes. Per run: `choose` and `took` by turns, then `end`; until `end` has nothing more.
 */
export class SleepSetSearch<F> {
  readonly #dependent: (one: F, other: F) => boolean;
  readonly #path: Node<F>[];
  #depth = 0;
  #cut = false;

  /** @param state where an earlier search was; default: at the beginning */
  constructor(dependent: (one: F, other: F) => boolean, state: SearchState<F> = []) {
    this.#dependent = dependent;
    this.#path = [...state];
  }

  /** Between two runs. */
  get state(): SearchState<F> {
    return [...this.#path];
  }

  /**
   * The next one of the present run.
   *
   * @param enabled not empty; the same ones in the same order whenever a run comes by the same way
   * @throws InterleaveError `diverged` when a run that goes the way of an earlier one finds other choices there
   */
  choose(enabled: readonly Transition[]): Transition {
    const [first] = enabled;
    if (first === undefined) throw new InterleaveError('invalid-option', 'There is nothing to choose from.');
    if (this.#cut) return first;
    const node = this.#path[this.#depth];
    if (node !== undefined) {
      this.#compare(node.enabled, enabled);
      return node.chosen;
    }
    const sleep = this.#sleepHere();
    const chosen = enabled.find(({ id }) => !has(sleep, id));
    if (chosen === undefined) {
      this.#cut = true;
      return first;
    }
    this.#path.push({ enabled, sleep, done: [], chosen, footprint: undefined, isShared: false });
    return chosen;
  }

  /** What the chosen one touched. */
  took(footprint: F): void {
    if (this.#cut) return;
    const node = this.#path[this.#depth];
    if (node !== undefined) this.#path[this.#depth++] = { ...node, footprint };
  }

  /** The run is over. */
  end(): RunEnd {
    const kind = this.#cut ? 'cut' : 'class';
    const share = this.#path.reduce((product, { enabled, sleep }) => product / awake(enabled, sleep).length, 1);
    this.#depth = 0;
    this.#cut = false;
    return { kind, hasMore: this.#backtrack(), share };
  }

  /**
   * Between two runs: gives away what is left at the highest state that has something left.
   *
   * @returns where another search begins; undefined when this run is the only one left
   */
  split(): SearchState<F> | undefined {
    for (const [depth, node] of this.#path.entries()) {
      const next = nextOf(node);
      if (next === undefined || node.footprint === undefined) continue;
      const above = this.#path.slice(0, depth).map((one) => ({ ...one, isShared: true }));
      this.#path[depth] = { ...node, isShared: true };
      return [...above, moveOn(node, next)];
    }
    return undefined;
  }

  /** To the deepest state that has a choice left. */
  #backtrack(): boolean {
    for (let node = this.#path.pop(); node !== undefined; node = this.#path.pop()) {
      const next = nextOf(node);
      if (next !== undefined) {
        this.#path.push(moveOn(node, next));
        return true;
      }
    }
    return false;
  }

  #sleepHere(): Taken<F>[] {
    const parent = this.#path[this.#depth - 1];
    if (parent === undefined) return [];
    const { chosen, footprint, sleep, done } = parent;
    if (footprint === undefined) return [];
    return [...sleep, ...done].filter(
      (taken) => taken.transition.client !== chosen.client && !this.#dependent(taken.footprint, footprint),
    );
  }

  #compare(expected: readonly Transition[], found: readonly Transition[]): void {
    const [before, now] = [expected, found].map((list) => list.map(({ id }) => id).join(', '));
    if (before === now) return;
    const step = this.#depth + 1;
    throw new InterleaveError(
      'diverged',
      `Step ${step} offers ${now}, and offered ${before} when the same steps were done before; something but the schedule decides.`,
    );
  }
}

const has = <F>(list: readonly Taken<F>[], id: string): boolean => list.some(({ transition }) => transition.id === id);

const awake = <F>(enabled: readonly Transition[], sleep: readonly Taken<F>[]): readonly Transition[] =>
  enabled.filter(({ id }) => !has(sleep, id));

/** The choice after the present one. */
const nextOf = <F>({ enabled, sleep, done, chosen, isShared }: Node<F>): Transition | undefined =>
  isShared ? undefined : awake(enabled, sleep).find(({ id }) => id !== chosen.id && !has(done, id));

function moveOn<F>(node: Node<F>, next: Transition): Node<F> {
  const { chosen, footprint, done } = node;
  const doneNow = footprint === undefined ? done : [...done, { transition: chosen, footprint }];
  return { ...node, done: doneNow, chosen: next, footprint: undefined };
}
