import { InterleaveError } from '../interleave-error.ts';
import { place, startsOfReversal, type Placed, type Relation } from './races.ts';
import type { Transition } from './transition.ts';

/** A transition and what it touched. */
export interface ExploredTransition<F> {
  readonly transition: Transition;
  readonly footprint: F;
}

/** One state on the path of the current run. Plain data. */
interface Node<F> {
  readonly enabled: readonly Transition[];
  /** Transitions that an earlier run explored from here or from a state above, and that commute with every step since then. */
  readonly sleep: readonly ExploredTransition<F>[];
  /** Transitions whose runs from here are all over. */
  readonly done: readonly ExploredTransition<F>[];
  readonly chosen: Transition;
  /** Undefined until the chosen transition was executed. */
  readonly step: Placed<F> | undefined;
  /** Commands whose transitions must be explored from here. Grows when a run shows a race that can be reversed from here. */
  readonly backtrackSet: readonly string[];
  /** The other transitions were given to another search. */
  readonly isShared: boolean;
}

/** Where a search is, as plain data. */
export type SearchState<F> = readonly Node<F>[];

/** Which steps are independent: the order of two neighbours makes no difference. */
export interface SearchRelation<F> {
  /** Of two clients. The first may be of an earlier run, the second is of the current one. */
  dependent(one: F, other: F): boolean;
  /** Of one client, which sent both commands before it had a reply to either. */
  dependentAtOnce(one: F, other: F): boolean;
}

/** How a run ended. */
export interface RunEnd {
  /** `class`: the first run of its class. `redundant`: equivalent to an earlier run (sleep-set blocked). */
  readonly kind: 'class' | 'redundant';
  /** Is there another schedule to run? */
  readonly hasMore: boolean;
  /**
   * Estimated part of the search tree that this run has finished, together with the subtrees now known to need no run. Assumes that
   * the subtrees below one state are equally large. The fractions of all runs add up to 1.
   */
  readonly treeFraction: number;
}

/**
 * Chooses schedules so that one of each class of equivalent schedules is run: source sets (Abdulla et al., POPL'14) over sleep sets
 * (Godefroid). Two schedules are equivalent if swapping independent neighbours turns one into the other.
 *
 * The search backtracks to a state only to reverse a race: if B's step depends on an earlier step of A, the state before A's step gets
 * a backtrack set from which a run with B's step first begins.
 *
 * Say A and B commute at a state. After all runs that begin with A, the runs that begin with B need not do A next, because "B A ..."
 * is equivalent to "A B ...". So A sleeps after B, until a step depends on A. If all enabled transitions sleep, the run is
 * redundant (sleep-set blocked): its class was explored before.
 *
 * Pure: the caller executes. For each run, call `next` and `executed` in turn, then `end`, until `end` says that there is no more.
 */
export class SleepSetSearch<F> {
  readonly #relation: SearchRelation<F>;
  readonly #path: Node<F>[];
  #depth = 0;
  #isRedundant = false;

  /** @param state where an earlier search was; default: at the beginning */
  constructor(relation: SearchRelation<F>, state: SearchState<F> = []) {
    this.#relation = relation;
    this.#path = [...state];
  }

  get state(): SearchState<F> {
    return [...this.#path];
  }

  /** Is the current run equivalent to an earlier run? */
  get isRedundant(): boolean {
    return this.#isRedundant;
  }

  /**
   * The next transition of the current run.
   *
   * @param enabled not empty. A run that repeats the steps of an earlier run must find the same transitions in the same order
   * @throws InterleaveError `diverged` if it finds other transitions
   */
  next(enabled: readonly Transition[]): Transition {
    const [first] = enabled;
    if (first === undefined) throw new TypeError('No step is enabled.');
    if (this.#isRedundant) return first;
    const node = this.#path[this.#depth];
    if (node !== undefined) {
      this.#expectSame(node.enabled, enabled);
      return node.chosen;
    }
    const sleep = this.#sleepHere();
    const chosen = enabled.find(({ id }) => !has(sleep, id));
    if (chosen === undefined) {
      this.#isRedundant = true;
      return first;
    }
    this.#path.push({
      enabled,
      sleep,
      done: [],
      chosen,
      step: undefined,
      backtrackSet: [chosen.commandId],
      isShared: false,
    });
    return chosen;
  }

  /** The footprint of the transition that `next` returned. */
  executed(footprint: F): void {
    if (this.#isRedundant) return;
    const node = this.#path[this.#depth];
    if (node === undefined) return;
    const before = this.#path.slice(0, this.#depth).flatMap(({ step }) => step ?? []);
    // The races of a repeated step were found by the earlier run.
    const { step, races } =
      node.step === undefined
        ? place(before, footprint, (index) => this.#relate(index, node.chosen, footprint))
        : { step: { ...node.step, footprint }, races: [] };
    this.#path[this.#depth++] = { ...node, step };
    for (const earlier of races) this.#reverseRace(earlier, [...before, step], node.chosen);
  }

  /** The current run can't go on. Makes sure that some run has these steps earlier, which its clients were about to take. */
  pending(steps: readonly ExploredTransition<F>[]): void {
    if (this.#isRedundant) return;
    const before = this.#path.slice(0, this.#depth).flatMap(({ step }) => step ?? []);
    for (const { transition, footprint } of steps) {
      const { step, races } = place(before, footprint, (index) => this.#relate(index, transition, footprint));
      for (const earlier of races) this.#reverseRace(earlier, [...before, step], transition);
    }
  }

  /** The current run was given up: the next run is the same again. */
  abandon(): void {
    this.#depth = 0;
    this.#isRedundant = false;
  }

  /**
   * The current run is over.
   *
   * @param length how many of its steps to go on from, if the run did not end by itself. Default: all
   */
  end(length: number = Infinity): RunEnd {
    const kind = this.#isRedundant ? 'redundant' : 'class';
    if (length < this.#path.length) this.#path.length = length;
    const own = treeFractionOf(this.#path);
    this.#depth = 0;
    this.#isRedundant = false;
    const { hasMore, treeFraction } = this.#backtrack();
    return { kind, hasMore, treeFraction: own + treeFraction };
  }

  /**
   * Gives part of the search away: the next transition of the highest state with transitions left. To be called between two runs.
   *
   * @returns where the other search begins; undefined if only one schedule is left
   */
  split(): SearchState<F> | undefined {
    for (const [depth, node] of this.#path.entries()) {
      if (nextBacktrack(node) === undefined || node.step === undefined) continue;
      // The other search can't add to the backtrack sets of these states, so they get all clients now.
      for (const [index, one] of this.#path.slice(0, depth + 1).entries())
        this.#path[index] = { ...one, backtrackSet: commandsOf(one.enabled) };
      const [whole = node, next = node.chosen] = [this.#path[depth], nextBacktrack(node)];
      const above = this.#path.slice(0, depth).map((one) => ({ ...one, isShared: true }));
      this.#path[depth] = { ...whole, isShared: true };
      return [...above, moveOn(whole, next)];
    }
    return undefined;
  }

  /** How a transition from the current state relates to the step with this index. */
  #relate(index: number, { client, commandId }: Transition, footprint: F): Relation {
    const earlier = this.#path[index];
    if (earlier?.step === undefined) return 'ordered';
    const other = earlier.step.footprint;
    if (earlier.chosen.client !== client) return this.#relation.dependent(other, footprint) ? 'race' : 'independent';
    // The look of an upsert and its insert.
    if (earlier.chosen.commandId === commandId) return 'ordered';
    const isAtOnce = earlier.enabled.some((one) => one.commandId === commandId);
    if (!isAtOnce) return 'ordered';
    return this.#relation.dependentAtOnce(other, footprint) ? 'race' : 'independent';
  }

  /** Makes sure that some run has the last of these steps, which is that of a transition, before the `earlier` one. */
  #reverseRace(earlier: number, steps: readonly Placed<F>[], last: Transition): void {
    const node = this.#path[earlier];
    // All transitions of a shared state are explored.
    if (node === undefined || node.isShared) return;
    const { enabled, sleep, backtrackSet } = node;
    const starts = startsOfReversal(steps, earlier).map((index) => this.#path[index]?.chosen ?? last);
    if (starts.some(({ id, commandId }) => backtrackSet.includes(commandId) || has(sleep, id))) return;
    const start = starts.findLast(({ commandId }) => enabled.some((one) => one.commandId === commandId));
    // The starts are not enabled here: they wait, and any enabled transition may be what ends their wait.
    const more = start === undefined ? commandsOf(enabled) : [start.commandId];
    this.#path[earlier] = { ...node, backtrackSet: [...backtrackSet, ...more] };
  }

  /** Goes up to the deepest state that has a transition left. @returns also the part of the tree that needs no run */
  #backtrack(): { readonly hasMore: boolean; readonly treeFraction: number } {
    let treeFraction = 0;
    for (let node = this.#path.pop(); node !== undefined; node = this.#path.pop()) {
      const next = nextBacktrack(node);
      if (next !== undefined) {
        this.#path.push(moveOn(node, next));
        return { hasMore: true, treeFraction };
      }
      const { enabled, sleep, done, chosen, isShared } = node;
      const left = isShared ? 0 : awake(enabled, sleep).filter(({ id }) => id !== chosen.id && !has(done, id)).length;
      treeFraction += left * treeFractionOf([...this.#path, node]);
    }
    return { hasMore: false, treeFraction };
  }

  #sleepHere(): ExploredTransition<F>[] {
    const parent = this.#path[this.#depth - 1];
    if (parent === undefined) return [];
    const { chosen, step, sleep, done } = parent;
    if (step === undefined) return [];
    return [...sleep, ...done].filter(
      ({ transition, footprint }) =>
        transition.commandId !== chosen.commandId &&
        (transition.client === chosen.client
          ? !this.#relation.dependentAtOnce(footprint, step.footprint)
          : !this.#relation.dependent(footprint, step.footprint)),
    );
  }

  #expectSame(expected: readonly Transition[], found: readonly Transition[]): void {
    const [before, now] = [expected, found].map((list) => list.map(({ id }) => id).join(', '));
    if (before === now) return;
    throw new InterleaveError(
      'diverged',
      `At step ${this.#depth + 1} the enabled commands are ${now}, but after the same steps of an earlier run they were ${before}. Something other than the schedule influences the flow.`,
    );
  }
}

const has = <F>(list: readonly ExploredTransition<F>[], id: string | undefined): boolean =>
  list.some(({ transition }) => transition.id === id);

const awake = <F>(enabled: readonly Transition[], sleep: readonly ExploredTransition<F>[]): readonly Transition[] =>
  enabled.filter(({ id }) => !has(sleep, id));

const commandsOf = (enabled: readonly Transition[]): string[] => enabled.map(({ commandId }) => commandId);

const treeFractionOf = <F>(path: readonly Node<F>[]): number =>
  path.reduce((product, { enabled, sleep }) => product / awake(enabled, sleep).length, 1);

/** The transition to explore after the current one; undefined if the state is finished. */
const nextBacktrack = <F>({ enabled, sleep, done, chosen, backtrackSet, isShared }: Node<F>): Transition | undefined =>
  isShared
    ? undefined
    : awake(enabled, sleep).find(
        ({ id, commandId }) => backtrackSet.includes(commandId) && id !== chosen.id && !has(done, id),
      );

function moveOn<F>(node: Node<F>, next: Transition): Node<F> {
  const { chosen, step, done } = node;
  const doneNow = step === undefined ? done : [...done, { transition: chosen, footprint: step.footprint }];
  return { ...node, done: doneNow, chosen: next, step: undefined };
}
