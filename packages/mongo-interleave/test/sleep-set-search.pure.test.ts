import { describe, expect, test } from 'vitest';
import { SleepSetSearch, type SearchRelation } from '../src/strategy/sleep-set-search.ts';
import { seededRandom } from '../src/strategy/seeded-random.ts';

/* No database here: clients that read and write variables, and all their orders counted by hand. */

interface Access {
  readonly variable: string;
  readonly isWrite: boolean;
  /**
   * - `lock`: can't be done while another has the lock, as a write that would wait for a transaction
   * - `unlock`: the end of that
   * - `guard`: ends its client when another one has written the variable
   * - `claim`: writes when nobody has written the variable, else it is a read
   */
  readonly kind?: 'lock' | 'unlock' | 'guard' | 'claim';
  /** Sent together with the access before it. */
  readonly isAtOnce?: boolean;
}
type Program = readonly Access[];
interface Step extends Access {
  readonly client: number;
  readonly id: string;
  readonly commandId: string;
  /** Where the group of accesses begins that were sent together. */
  readonly group: number;
}

const dependent = (one: Access, other: Access): boolean =>
  one.variable === other.variable && (one.isWrite || other.isWrite);

const relation: SearchRelation<Access> = {
  dependent,
  dependentAtOnce: (one, other) => one.isWrite || other.isWrite,
};

const write = (variable: string): Access => ({ variable, isWrite: true });
const read = (variable: string): Access => ({ variable, isWrite: false });

/** What may be done next, as it would turn out. */
function enabledOf(programs: readonly Program[], done: readonly Step[]): Step[] {
  return programs.flatMap((program, client) => {
    const own = done.filter((step) => step.client === client);
    if (own.some((step) => step.kind === 'guard' && isLost(step, done))) return [];
    return [...program.entries()].flatMap(([index, access]) => {
      const group = program.findLastIndex((one, at) => at <= index && one.isAtOnce !== true);
      const id = `${client}.${index}`;
      const isSent = own.filter((step) => Number(step.id.split('.')[1]) < group).length === group;
      if (!isSent || own.some((step) => step.id === id)) return [];
      const { variable, kind } = access;
      const last = done.findLast(
        (step) => step.variable === variable && (step.kind === 'lock' || step.kind === 'unlock'),
      );
      if (kind === 'lock' && last?.kind === 'lock') return [];
      const isTaken = done.some((step) => step.variable === variable && step.isWrite);
      const isWrite = access.isWrite && !(kind === 'claim' && isTaken);
      return [{ ...access, isWrite, client, id, commandId: id, group }];
    });
  });
}

const isLost = (guard: Step, done: readonly Step[]): boolean =>
  done
    .slice(0, done.indexOf(guard))
    .some((step) => step.variable === guard.variable && step.isWrite && step.client !== guard.client);

/** The orders that the search runs to their ends, and how many of its runs were redundant. With several workers it is divided wherever it can be. */
function searchAll(programs: readonly Program[], workers = 1): { orders: Step[][]; redundant: number } {
  const searches = [new SleepSetSearch<Access>(relation)];
  const orders: Step[][] = [];
  let [redundant, treeFractions] = [0, 0];
  for (let search = searches.shift(); search !== undefined; search = searches.shift()) {
    const order: Step[] = [];
    for (let enabled = enabledOf(programs, order); enabled.length > 0; enabled = enabledOf(programs, order)) {
      const { id } = search.next(enabled);
      const step = enabled.find((candidate) => candidate.id === id);
      if (step === undefined) throw new Error(`${id} is not enabled`);
      search.executed(step);
      order.push(step);
    }
    const { kind, hasMore, treeFraction } = search.end();
    treeFractions += treeFraction;
    if (kind === 'class') orders.push(order);
    else redundant++;
    if (!hasMore) continue;
    const other = searches.length + 1 < workers ? search.split() : undefined;
    searches.push(search, ...(other === undefined ? [] : [new SleepSetSearch<Access>(relation, other)]));
  }
  expect(treeFractions).toBeCloseTo(1);
  return { orders, redundant };
}

function allOrders(programs: readonly Program[], done: readonly Step[] = []): Step[][] {
  const enabled = enabledOf(programs, done);
  return enabled.length === 0 ? [[...done]] : enabled.flatMap((step) => allOrders(programs, [...done, step]));
}

/** Same for two orders exactly when they are equivalent: which of two dependent steps came first, for all of them. */
function classOf(order: readonly Step[]): string {
  const pairs = order.flatMap((one, index) =>
    order.slice(index + 1).flatMap((other) => {
      const isAtOnce = one.client === other.client && one.group === other.group;
      const matters = isAtOnce
        ? relation.dependentAtOnce(one, other)
        : one.client !== other.client && dependent(one, other);
      return matters ? [`${one.id}<${other.id}`] : [];
    }),
  );
  const done = order.map(({ id, isWrite }) => `${id}${isWrite ? ' writes' : ''}`);
  return [...pairs, ...done].toSorted().join(', ');
}

test('one run where nothing depends on anything', () => {
  const { orders } = searchAll([[write('a'), write('a')], [write('b'), read('c')], [read('c')]]);
  expect(orders).toHaveLength(1);
});

test('reads that one client sends at once count as one', () => {
  const reads = ['a', 'b', 'c', 'a'].map((variable, index) => ({ ...read(variable), isAtOnce: index > 0 }));
  const { orders, redundant } = searchAll([reads, [write('z')]]);
  expect([orders.length, redundant]).toEqual([1, 0]);
});

test('every order where everything depends on everything', () => {
  const { orders, redundant } = searchAll([Array(3).fill(write('a')), Array(3).fill(write('a'))]);
  expect([orders.length, redundant]).toEqual([20, 0]);
});

describe('each class once, and none left out', () => {
  test.each(Array.from({ length: 120 }, (_, seed) => seed + 1))('random programs, seed %i', (seed) => {
    const programs = randomPrograms(seed);
    const all = new Set(allOrders(programs).map(classOf));
    for (const workers of [1, 3]) {
      const found = searchAll(programs, workers).orders.map(classOf);
      expect(new Set(found)).toEqual(all);
      expect(found).toHaveLength(all.size);
    }
  });
});

test('says so when a run finds other choices where an earlier one went', () => {
  const search = new SleepSetSearch<Access>(relation);
  const [a, b] = [
    { id: 'A0 find', commandId: 'A0 find', client: 0 },
    { id: 'B0 find', commandId: 'B0 find', client: 1 },
  ];
  search.next([a, b]);
  search.executed(write('a'));
  search.next([b]);
  search.executed(write('a'));
  expect(search.end()).toEqual({ kind: 'class', hasMore: true, treeFraction: 0.5 });
  expect(() => search.next([a])).toThrow(
    expect.objectContaining({ code: 'diverged', message: expect.stringContaining('B0') }),
  );
});

/** 2 or 3 clients of 2 or 3 steps each on 3 variables, some between a lock and its end. */
function randomPrograms(seed: number): Program[] {
  const random = seededRandom(seed);
  const draw = (limit: number): number => Math.floor(random() * limit);
  const kinds = [undefined, undefined, undefined, 'guard', 'claim'] as const;
  const access = (): Access => {
    const kind = kinds[draw(kinds.length)];
    const isWrite = kind === 'claim' || (kind === undefined && draw(2) === 0);
    const isAtOnce = kind === undefined && draw(3) === 0;
    return { variable: 'abc'.charAt(draw(3)), isWrite, isAtOnce, ...(kind === undefined ? {} : { kind }) };
  };
  return Array.from({ length: 2 + draw(2) }, () => {
    const drawn = Array.from({ length: 2 + draw(2) }, access);
    // A command that was sent can't be taken back, so a guard ends nothing that was sent at once with it.
    const program = drawn.map((one, index) => ({
      ...one,
      isAtOnce: one.isAtOnce === true && drawn[index - 1]?.kind !== 'guard',
    }));
    if (draw(3) > 0) return program;
    // Nothing between the two ends the client.
    const locked = draw(2) === 0 ? [] : [write('c')];
    const lock = { variable: 'lock', isWrite: true } as const;
    return [...program.slice(0, draw(2)), { ...lock, kind: 'lock' }, ...locked, { ...lock, kind: 'unlock' }];
  });
}
