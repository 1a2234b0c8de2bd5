import { InterleaveError } from '../interleave-error.ts';
import { place, startsOfReversal, type Placed } from './races.ts';

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
  /** Undefined until the chosen one was answered. */
  readonly step: Placed<F> | undefined;
  /** Clients whose choices are run here. One is added when a run shows that an order which begins with it is another one. */
  readonly wanted: readonly number[];
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
  /**
   * Its share of the whole tree, and that of what is now known to need no run, were the choices of each state equally large; the
   * shares of all runs add up to 1.
   */
  readonly share: number;
}

/**
 * Which schedules to run so that each class of equivalent ones is run once, to its end: source sets (Abdulla and others, POPL'14) over
 * sleep sets (Godefroid). Two schedules are equivalent when swapping neighbours that don't depend on each other turns one into the other.
 *
 * A state has other choices run only where that makes a difference: a run in which B's step depends on an earlier one of A makes
 * the state before A's step want an order that has B's first.
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
    this.#path.push({ enabled, sleep, done: [], chosen, step: undefined, wanted: [chosen.client], isShared: false });
    return chosen;
  }

  /** Is the present run equivalent to an earlier one? */
  get isCut(): boolean {
    return this.#cut;
  }

  /** What the chosen one touched. */
  took(footprint: F): void {
    if (this.#cut) return;
    const node = this.#path[this.#depth];
    if (node === undefined) return;
    const before = this.#path.slice(0, this.#depth).flatMap(({ step }) => step ?? []);
    const { client } = node.chosen;
    // Where an earlier run came by, it has found the races.
    const { step, races } =
      node.step === undefined
        ? place(before, { client, footprint }, this.#dependent)
        : { step: { ...node.step, footprint }, races: [] };
    this.#path[this.#depth++] = { ...node, step };
    for (const earlier of races) this.#wantReversed(earlier, [...before, step]);
  }

  /** The run is over. */
  end(): RunEnd {
    const kind = this.#cut ? 'cut' : 'class';
    const own = shareOf(this.#path);
    this.#depth = 0;
    this.#cut = false;
    const { hasMore, share } = this.#backtrack();
    return { kind, hasMore, share: own + share };
  }

  /**
   * Between two runs: gives away what is left at the highest state that has something left.
   *
   * @returns where another search begins; undefined when this run is the only one left
   */
  split(): SearchState<F> | undefined {
    for (const [depth, node] of this.#path.entries()) {
      if (nextOf(node) === undefined || node.step === undefined) continue;
      // The other search can't tell these states what its runs show that they want, so they want everything.
      for (const [index, one] of this.#path.slice(0, depth + 1).entries())
        this.#path[index] = { ...one, wanted: clientsOf(one.enabled) };
      const [whole = node, next = node.chosen] = [this.#path[depth], nextOf(node)];
      const above = this.#path.slice(0, depth).map((one) => ({ ...one, isShared: true }));
      this.#path[depth] = { ...whole, isShared: true };
      return [...above, moveOn(whole, next)];
    }
    return undefined;
  }

  /** Sees to it that a run has the last step before the `earlier` one. */
  #wantReversed(earlier: number, steps: readonly Placed<F>[]): void {
    const node = this.#path[earlier];
    // All choices of a shared one are run.
    if (node === undefined || node.isShared) return;
    const { enabled, sleep, wanted } = node;
    const starts = startsOfReversal(steps, earlier).flatMap((index) => this.#path[index]?.chosen ?? []);
    if (starts.some(({ id, client }) => wanted.includes(client) || has(sleep, id))) return;
    const start = starts.findLast(({ client }) => enabled.some((one) => one.client === client));
    // Where they all wait for something, any may be what ends that.
    const more = start === undefined ? clientsOf(enabled) : [start.client];
    this.#path[earlier] = { ...node, wanted: [...wanted, ...more] };
  }

  /** To the deepest state that has a choice left. @returns the share of what was found to need no run */
  #backtrack(): { readonly hasMore: boolean; readonly share: number } {
    let share = 0;
    for (let node = this.#path.pop(); node !== undefined; node = this.#path.pop()) {
      const next = nextOf(node);
      if (next !== undefined) {
        this.#path.push(moveOn(node, next));
        return { hasMore: true, share };
      }
      const { enabled, sleep, done, chosen, isShared } = node;
      const left = isShared ? 0 : awake(enabled, sleep).filter(({ id }) => id !== chosen.id && !has(done, id)).length;
      share += left * shareOf([...this.#path, node]);
    }
    return { hasMore: false, share };
  }

  #sleepHere(): Taken<F>[] {
    const parent = this.#path[this.#depth - 1];
    if (parent === undefined) return [];
    const { chosen, step, sleep, done } = parent;
    if (step === undefined) return [];
    return [...sleep, ...done].filter(
      (taken) => taken.transition.client !== chosen.client && !this.#dependent(taken.footprint, step.footprint),
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

const clientsOf = (enabled: readonly Transition[]): number[] => enabled.map(({ client }) => client);

const shareOf = <F>(path: readonly Node<F>[]): number =>
  path.reduce((product, { enabled, sleep }) => product / awake(enabled, sleep).length, 1);

/** The choice after the present one. */
const nextOf = <F>({ enabled, sleep, done, chosen, wanted, isShared }: Node<F>): Transition | undefined =>
  isShared
    ? undefined
    : awake(enabled, sleep).find(({ id, client }) => wanted.includes(client) && id !== chosen.id && !has(done, id));

function moveOn<F>(node: Node<F>, next: Transition): Node<F> {
  const { chosen, step, done } = node;
  const doneNow = step === undefined ? done : [...done, { transition: chosen, footprint: step.footprint }];
  return { ...node, done: doneNow, chosen: next, step: undefined };
}
