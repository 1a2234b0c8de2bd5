import { expect, test } from 'vitest';
import { Order, type Point } from '../../src/index.ts';

const point = (what: string, earliest = 0, latest = Infinity): Point => ({
  what,
  why: `${what} why`,
  earliest,
  latest,
});

test('an absent point, an edge from a point to itself, and an edge said twice mean nothing more', () => {
  const order = new Order();
  const [a, b] = [order.add(point('a')), order.add(point('b'))];
  order.precede(undefined, a);
  order.precede(a, undefined);
  order.precede(a, a);
  order.precede(a, b);
  order.precede(a, b);
  expect(order.problems()).toEqual([]);
});

test('the cause of a late point is the first of the chain, not its neighbour', () => {
  const order = new Order();
  const [a, b, c] = [order.add(point('a', 10)), order.add(point('b', 0)), order.add(point('c', 0, 9))];
  order.precede(a, b);
  order.precede(b, c);
  expect(order.problems()).toMatchObject([{ kind: 'late', point: { what: 'c' }, cause: { what: 'a' } }]);
});

test('of a circle only its points are named, in their order, however they were reached', () => {
  const order = new Order();
  const [before, a, b, c, after] = ['before', 'a', 'b', 'c', 'after'].map((what) => order.add(point(what)));
  order.precede(before, a);
  order.precede(a, b);
  order.precede(b, c);
  order.precede(c, a);
  order.precede(c, after);
  const [problem] = order.problems();
  if (problem?.kind !== 'circle') throw new Error('expected a circle');
  const names = problem.points.map(({ what }) => what);
  const turned = [...names.slice(names.indexOf('a')), ...names.slice(0, names.indexOf('a'))];
  expect(turned).toEqual(['a', 'b', 'c']);
});

test('a point that is over before it begins is its own cause', () => {
  const order = new Order();
  order.add(point('a', 2, 1));
  expect(order.problems()).toMatchObject([{ kind: 'late', point: { what: 'a' }, cause: { what: 'a' } }]);
});

test('the cost is linear: a chain of 100,000 points is placed in less than 2 s', () => {
  const order = new Order();
  let last: Point | undefined;
  for (let index = 0; index < 100_000; index++) {
    const next = order.add(point(`p${index}`, index));
    order.precede(last, next);
    last = next;
  }
  const began = process.threadCpuUsage();
  expect(order.problems()).toEqual([]);
  const { user, system } = process.threadCpuUsage(began);
  expect((user + system) / 1e6).toBeLessThan(2);
});
