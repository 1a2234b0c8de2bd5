import { describe, expect, test } from 'vitest';
import { SleepSetSearch } from '../src/explore/sleep-set-search.ts';

/* No database here: clients that read and write variables, and all their orders counted by hand. */

interface Access {
  readonly variable: string;
  readonly isWrite: boolean;
}
type Program = readonly Access[];
interface Step extends Access {
  readonly client: number;
  readonly id: string;
}

const dependent = (one: Access, other: Access): boolean =>
  one.variable === other.variable && (one.isWrite || other.isWrite);

const write = (variable: string): Access => ({ variable, isWrite: true });
const read = (variable: string): Access => ({ variable, isWrite: false });

function enabledOf(programs: readonly Program[], done: readonly Step[]): Step[] {
  return programs.flatMap((program, client) => {
    const next = done.filter((step) => step.client === client).length;
    const access = program[next];
    return access === undefined ? [] : [{ ...access, client, id: `${client}.${next}` }];
  });
}

/** The orders that the search runs to their ends, and how many it cut. */
function searchAll(programs: readonly Program[]): { orders: Step[][]; cut: number } {
  const search = new SleepSetSearch<Access>(dependent);
  const orders: Step[][] = [];
  let cut = 0;
  for (let hasMore = true; hasMore;) {
    const order: Step[] = [];
    for (let enabled = enabledOf(programs, order); enabled.length > 0; enabled = enabledOf(programs, order)) {
      const { id } = search.choose(enabled);
      const step = enabled.find((candidate) => candidate.id === id);
      if (step === undefined) throw new Error(`${id} is not enabled`);
      search.took(step);
      order.push(step);
    }
    const end = search.end();
    if (end.kind === 'class') orders.push(order);
    else cut++;
    hasMore = end.hasMore;
  }
  return { orders, cut };
}

function allOrders(programs: readonly Program[], done: readonly Step[] = []): Step[][] {
  const enabled = enabledOf(programs, done);
  return enabled.length === 0 ? [[...done]] : enabled.flatMap((step) => allOrders(programs, [...done, step]));
}

/** Same for two orders exactly when they are equivalent: which of two dependent steps came first, for all of them. */
function classOf(order: readonly Step[]): string {
  const pairs = order.flatMap((one, index) =>
    order.slice(index + 1).flatMap((other) => {
      return one.client !== other.client && dependent(one, other) ? [`${one.id}<${other.id}`] : [];
    }),
  );
  return pairs.toSorted().join(' ');
}

test('one run where nothing depends on anything', () => {
  const { orders } = searchAll([[write('a'), write('a')], [write('b'), read('c')], [read('c')]]);
  expect(orders).toHaveLength(1);
});

test('every order where everything depends on everything', () => {
  const { orders, cut } = searchAll([Array(3).fill(write('a')), Array(3).fill(write('a'))]);
  expect([orders.length, cut]).toEqual([20, 0]);
});

describe('each class once, and none left out', () => {
  test.each(Array.from({ length: 40 }, (_, seed) => seed + 1))('random programs, seed %i', (seed) => {
    const programs = randomPrograms(seed);
    const found = searchAll(programs).orders.map(classOf);
    const all = new Set(allOrders(programs).map(classOf));
    expect(new Set(found)).toEqual(all);
    expect(found).toHaveLength(all.size);
  });
});

test('says so when a run finds other choices where an earlier one went', () => {
  const search = new SleepSetSearch<Access>(dependent);
  const [a, b] = [
    { id: 'A0 find', client: 0 },
    { id: 'B0 find', client: 1 },
  ];
  search.choose([a, b]);
  search.took(write('a'));
  search.choose([b]);
  search.took(write('a'));
  expect(search.end()).toEqual({ kind: 'class', hasMore: true, share: 0.5 });
  expect(() => search.choose([a])).toThrow(
    expect.objectContaining({ code: 'diverged', message: expect.stringContaining('B0') }),
  );
});

/** 2 or 3 clients of 2 or 3 steps each on 3 variables. */
function randomPrograms(seed: number): Program[] {
  let state = seed;
  const draw = (limit: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
  const access = (): Access => ({ variable: 'abc'.charAt(draw(3)), isWrite: draw(2) === 0 });
  return Array.from({ length: 2 + draw(2) }, () => Array.from({ length: 2 + draw(2) }, access));
}
