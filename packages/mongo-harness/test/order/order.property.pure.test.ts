import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Point } from '../../src/index.ts';
import { existsByBruteForce, problemsOf, randomOrders, type RandomOrder } from '../support/random-order.ts';

const RUNS = 3_000;
const SEED = Math.floor(Math.random() * 2 ** 31);

test(`says what a search through all orders says (seed ${SEED})`, () => {
  const verdicts = { explained: 0, refused: 0 };
  fc.assert(
    fc.property(randomOrders, (random) => {
      const exists = existsByBruteForce(random);
      verdicts[exists ? 'explained' : 'refused']++;
      expect(problemsOf(random).problems.length === 0).toBe(exists);
    }),
    { numRuns: RUNS, seed: SEED },
  );
  expect(Math.min(verdicts.explained, verdicts.refused)).toBeGreaterThan(RUNS / 5);
});

test(`a problem names its proof (seed ${SEED})`, () => {
  const kinds = new Set<string>();
  fc.assert(
    fc.property(randomOrders, (random) => {
      const { problems, points } = problemsOf(random);
      for (const problem of problems) kinds.add(problem.kind);
      for (const { point, cause } of problems.filter((problem) => problem.kind === 'late')) {
        expect(cause.earliest).toBeGreaterThan(point.latest);
        expect(reaches(random, indexOf(points, cause), indexOf(points, point))).toBe(true);
      }
      for (const { points: circle } of problems.filter((problem) => problem.kind === 'circle'))
        for (const [index, point] of circle.entries())
          expect(isEdge(random, points, point, circle[(index + 1) % circle.length])).toBe(true);
    }),
    { numRuns: RUNS, seed: SEED },
  );
  expect(kinds).toEqual(new Set(['late', 'circle']));
});

/* Wrong in one way each. If the brute force did not tell them from the right one, it would prove nothing. */
const mutants: Readonly<Record<string, (random: RandomOrder) => boolean>> = {
  'windows alone, without edges': ({ windows }) => windows.every(([earliest, latest]) => earliest <= latest),
  'an instant pushed along one edge only': ({ windows, edges }) =>
    windows.every(([earliest, latest], index) => {
      const before = edges.filter(([, second]) => second === index).map(([first]) => windows[first]?.[0] ?? 0);
      return Math.max(earliest, ...before) <= latest;
    }) && problemsOf({ windows: windows.map(() => [0, Infinity]), edges }).problems.length === 0,
  'circles overlooked': (random) => problemsOf(random).problems.every(({ kind }) => kind === 'circle'),
  'touching windows taken for too late': (random) => {
    const tighter = random.windows.map(([earliest, latest]) => [earliest, latest - 1] as const);
    return problemsOf({ ...random, windows: tighter }).problems.length === 0;
  },
};

describe('the search through all orders tells them apart', () => {
  test.each(Object.entries(mutants))(`%s (seed ${SEED})`, (_, isExplained) => {
    const { failed } = fc.check(
      fc.property(randomOrders, (random) => isExplained(random) === existsByBruteForce(random)),
      { numRuns: RUNS, seed: SEED },
    );
    expect(failed).toBe(true);
  });
});

function isEdge({ edges }: RandomOrder, points: readonly Point[], one: Point, other: Point | undefined): boolean {
  return edges.some(([first, second]) => points[first] === one && points[second] === other && first !== second);
}

const indexOf = (points: readonly Point[], { what }: Point): number => points.findIndex((one) => one.what === what);

/** Does the first come before the second, or is it the same? */
function reaches({ edges }: RandomOrder, from: number, to: number, passed: readonly number[] = []): boolean {
  if (from === to) return true;
  return edges.some(
    ([first, second]) =>
      first === from && !passed.includes(second) && reaches({ windows: [], edges }, second, to, [...passed, from]),
  );
}
