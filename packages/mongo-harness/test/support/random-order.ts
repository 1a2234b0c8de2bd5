import * as fc from 'fast-check';
import { Order, type OrderProblem, type Point } from '../../src/index.ts';

/** Windows, and edges between them by index. */
export interface RandomOrder {
  readonly windows: readonly (readonly [earliest: number, latest: number])[];
  /** The first takes effect before the second. */
  readonly edges: readonly (readonly [first: number, second: number])[];
}

const MAX_POINTS = 6;
const MAX_TIME = 8;

/** Small times, so that windows often touch, and few enough edges that about half of the orders exist. */
export const randomOrders: fc.Arbitrary<RandomOrder> = fc.integer({ min: 1, max: MAX_POINTS }).chain((count) => {
  const time = fc.nat(MAX_TIME);
  const index = fc.nat(count - 1);
  // Rarely the end comes before the beginning, as in an answer before its own call.
  const length = fc.oneof(
    { weight: 20, arbitrary: time },
    { weight: 5, arbitrary: fc.constant(Infinity) },
    fc.constant(-1),
  );
  return fc.record({
    windows: fc.array(
      fc.tuple(time, length).map(([earliest, more]) => [earliest, earliest + more] as const),
      { minLength: count, maxLength: count },
    ),
    edges: fc.array(fc.tuple(index, index), { maxLength: count }),
  });
});

/** Is there an order that respects windows and edges? Tries them all; points at the same instant may come in any order. */
export function existsByBruteForce({ windows, edges }: RandomOrder): boolean {
  const place = (left: readonly number[], now: number): boolean =>
    left.length === 0 ||
    left.some((one) => {
      if (edges.some(([first, second]) => second === one && first !== one && left.includes(first))) return false;
      const [earliest = 0, latest = 0] = windows[one] ?? [];
      const at = Math.max(now, earliest);
      return (
        at <= latest &&
        place(
          left.filter((other) => other !== one),
          at,
        )
      );
    });
  return place([...windows.keys()], Number.NEGATIVE_INFINITY);
}

/** The same as an {@link Order}: what it says, and its points by index. */
export function problemsOf({ windows, edges }: RandomOrder): {
  readonly problems: readonly OrderProblem[];
  readonly points: readonly Point[];
} {
  const order = new Order();
  const points = windows.map(([earliest, latest], index) =>
    order.add({ what: `point ${index}`, why: `why ${index}`, earliest, latest }),
  );
  for (const [first, second] of edges) order.precede(points[first], points[second]);
  return { problems: order.problems(), points };
}
