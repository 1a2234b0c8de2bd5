/*
 * The core of a check for linearizability, for systems in which every answer names what it saw.
 *
 * Where ids are unique, what an answer saw names what it must come after and before: the edges are known, nothing is searched. With
 * edges and windows alone, an order exists exactly when pushing the earliest instants along the edges never passes a window's end
 * (place every point at its earliest instant, ties in the order of the edges). Linear in points and edges, where the general problem
 * is NP-complete: Gibbons and Korach, "Testing Shared Memories", SIAM Journal on Computing 26 (1997).
 */

/** Something that takes effect at one instant of its window. */
export interface Point {
  /** For sentences, as in `the transfer t1`. */
  readonly what: string;
  /** Why the point can't come before its earliest instant, as a sentence. */
  readonly why: string;
  readonly earliest: number;
  /** Infinity where the window is open. */
  readonly latest: number;
}

/** Why no order explains a history. */
export type OrderProblem =
  /** The point was over at its latest instant, but must come after a point that came later; `cause` is that point. */
  | { readonly kind: 'late'; readonly point: Point; readonly cause: Point }
  /** Each of these points must come before the next, and the last before the first. */
  | { readonly kind: 'circle'; readonly points: readonly Point[] };

/** Points and edges, to be asked whether an order explains them. */
export class Order {
  readonly #points: Placed[] = [];

  add(point: Point): Point {
    const placed: Placed = { ...point, after: new Set<Placed>(), earliestNow: point.earliest, cause: point };
    placed.cause = placed;
    this.#points.push(placed);
    return placed;
  }

  /** The first takes effect before the second. An absent point, and an edge from a point to itself, say nothing. */
  precede(first: Point | undefined, second: Point | undefined): void {
    if (first !== undefined && second !== undefined && first !== second) (first as Placed).after.add(second as Placed);
  }

  /** Pushes the earliest instants along the edges, in topological order; what is left over lies on a circle. */
  problems(): OrderProblem[] {
    const waiting = new Map<Placed, number>(this.#points.map((point) => [point, 0]));
    for (const { after } of this.#points) for (const next of after) waiting.set(next, (waiting.get(next) ?? 0) + 1);
    const ready = this.#points.filter((point) => waiting.get(point) === 0);
    const problems: OrderProblem[] = [];
    let placed = 0;
    for (let point = ready.pop(); point !== undefined; point = ready.pop()) {
      placed++;
      if (point.earliestNow > point.latest) problems.push({ kind: 'late', point, cause: point.cause });
      for (const next of point.after) {
        if (point.earliestNow > next.earliestNow) {
          next.earliestNow = point.earliestNow;
          next.cause = point.cause;
        }
        const left = (waiting.get(next) ?? 0) - 1;
        waiting.set(next, left);
        if (left === 0) ready.push(next);
      }
    }
    if (placed < this.#points.length)
      problems.push({
        kind: 'circle',
        points: findCircle(this.#points.filter((point) => (waiting.get(point) ?? 0) > 0)),
      });
    return problems;
  }
}

interface Placed extends Point {
  readonly after: Set<Placed>;
  /** Raised along the edges; problems() is asked once. */
  earliestNow: number;
  /** The point whose earliest instant it is. */
  cause: Point;
}

/** One circle among points that each have one of the others before them: going back from any of them ends in it. */
function findCircle(points: readonly Placed[]): Point[] {
  const before = new Map<Placed, Placed>();
  for (const point of points) for (const next of point.after) before.set(next, point);
  const passed = new Set<Placed>();
  let point = points[0];
  for (; point !== undefined && !passed.has(point); point = before.get(point)) passed.add(point);
  const way = [...passed];
  return way.slice(point === undefined ? 0 : way.indexOf(point)).toReversed();
}
