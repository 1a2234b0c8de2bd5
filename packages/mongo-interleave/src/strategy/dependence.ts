import {
  dependent,
  isRead,
  meetsAny,
  withoutIncrements,
  type Footprint,
  type Selector,
} from '../footprint/footprint.ts';
import { hasOtherIncrement, isRenamed } from '../footprint/value-names.ts';
import type { SearchRelation } from './sleep-set-search.ts';

/** What runs have shown to matter, as plain data. */
export interface Observed {
  /** Reads whose result depends on the order in which documents were inserted. */
  readonly orders: readonly Selector[];
  /** A command of unknown effect may have seen the order of insertion. */
  readonly allOrders: boolean;
  /** A change stream saw the order of all writes. */
  readonly log: boolean;
  /** A client went on after one of the commands that it had sent at once. */
  readonly chains: boolean;
  /** An increment was refused, or changed nothing, so that equal increments of one document are not equal: the first may be the last that fits. */
  readonly increments: boolean;
}

const NOTHING_OBSERVED: Observed = { orders: [], allOrders: false, log: false, chains: false, increments: false };

interface Step {
  readonly client: number;
  readonly footprint: Footprint;
}

/**
 * Which steps are dependent, as far as anybody looks. Two inserts commute unless a later command sees which of them came first: a find
 * without a sort, a change stream. Such an observer is met in some run, because until then the orders really are equivalent. From then on
 * the two inserts are dependent, and the search must start again. The idea is that of optimal dynamic partial order reduction with
 * observers (Aronis, Jonsson, Lång, Sagonas, TACAS 2018).
 */
export class Dependence implements SearchRelation<Footprint> {
  #observed: Observed;

  /** @param observed what an earlier search knew */
  constructor(observed: Observed = NOTHING_OBSERVED) {
    this.#observed = observed;
  }

  get observed(): Observed {
    return this.#observed;
  }

  readonly dependent = (one: Footprint, other: Footprint): boolean => {
    const areIncrements = !this.#observed.increments && !hasOtherIncrement(one, other);
    const touch = areIncrements ? dependent(one, other) : dependent(withoutIncrements(one), withoutIncrements(other));
    return touch || isRenamed(one, other) || this.#isSeen(one, other);
  };

  /**
   * Commands that one client sent at once: only reads commute, and these only until a client was seen to go on after one reply. Otherwise
   * the client is taken to go on in the same way in whatever order it gets the replies.
   */
  readonly dependentAtOnce = (one: Footprint, other: Footprint): boolean =>
    this.#observed.chains || !isRead(one) || !isRead(other);

  /**
   * Looks for observers in a run.
   *
   * @param hasChains a client went on after one of the commands that it had sent at once
   * @returns true if there are more dependent steps than before
   */
  learn(steps: readonly Step[], hasChains: boolean): boolean {
    const before = this.#observed;
    if (hasChains && !before.chains) this.#observed = { ...before, chains: true };
    for (const [index, { footprint }] of steps.entries()) this.#learnFrom(footprint, steps.slice(0, index));
    return this.#observed !== before;
  }

  #learnFrom({ orderedReads, readsLog, everything, refusesIncrement }: Footprint, earlier: readonly Step[]): void {
    if (refusesIncrement === true && !this.#observed.increments)
      this.#observed = { ...this.#observed, increments: true };
    if (orderedReads.length > 0)
      for (const selector of orderedReads)
        if (this.#anyPair(earlier, (one, other) => isInserted(selector, one) && isInserted(selector, other)))
          this.#observed = withOrder(this.#observed, selector);
    if (everything && this.#anyPair(earlier, bothInsert)) this.#observed = { ...this.#observed, allOrders: true };
    if (readsLog && this.#anyPair(earlier, bothWrite)) this.#observed = { ...this.#observed, log: true };
  }

  /** Are there two steps of different clients like this whose order did not matter so far? */
  #anyPair(steps: readonly Step[], isPair: (one: Footprint, other: Footprint) => boolean): boolean {
    const writing = steps.filter(({ footprint }) => footprint.writes.length > 0);
    return writing.some((one, index) =>
      writing
        .slice(0, index)
        .some(
          (other) =>
            one.client !== other.client &&
            isPair(one.footprint, other.footprint) &&
            !this.dependent(one.footprint, other.footprint),
        ),
    );
  }

  #isSeen(one: Footprint, other: Footprint): boolean {
    const { orders, allOrders, log } = this.#observed;
    if (log && bothWrite(one, other)) return true;
    if (allOrders && bothInsert(one, other)) return true;
    return orders.some((selector) => isInserted(selector, one) && isInserted(selector, other));
  }
}

/** Runs that read another collection each time would find another order each time. */
const MAX_ORDERS = 20;

const withOrder = (observed: Observed, selector: Selector): Observed =>
  observed.orders.length < MAX_ORDERS
    ? { ...observed, orders: [...observed.orders, selector] }
    : { ...observed, allOrders: true };

/** May the read find the document at some time? Its other fields may be changed until then, but not its `_id` and its place. */
function isInserted({ namespace, fields }: Selector, { inserts }: Footprint): boolean {
  const id = new Map([...fields].filter(([name]) => name === '_id'));
  return meetsAny(inserts, [{ namespace, fields: id }]);
}

const bothWrite = (one: Footprint, other: Footprint): boolean => one.writes.length > 0 && other.writes.length > 0;

/** Into one collection. */
const bothInsert = (one: Footprint, other: Footprint): boolean =>
  one.inserts.some(({ namespace }) => other.inserts.some((inserted) => inserted.namespace === namespace));
