import { describe, expect, test } from 'vitest';
import { checkRotations } from '../../src/checker/index.ts';
import { LARGE_RUNS, largeRun } from '../support/large-run.ts';

/* How much of a run the checker reads: steps, not seconds, for a machine may be busy. */

const CALLS = 1_000;
/** A check that looks at each call once for each other call takes four times the steps for twice the calls. */
const MAX_GROWTH = 2.1;

const cases = (Object.keys(LARGE_RUNS) as (keyof typeof LARGE_RUNS)[]).flatMap((shape) =>
  [false, true].map((isLogged) => ({ shape, isLogged })),
);

describe.each(cases)('$shape, with the log: $isLogged', ({ shape, isLogged }) => {
  const stepsOf = (calls: number): number =>
    countReads(largeRun(shape, calls, isLogged), (run) => expect(checkRotations(run)).toEqual([]));

  test('twice as many calls take twice the steps', () => {
    const steps = stepsOf(CALLS);
    expect(steps).toBeGreaterThan(CALLS);
    expect(stepsOf(2 * CALLS) / steps).toBeLessThan(MAX_GROWTH);
    expect(stepsOf(16 * CALLS) / steps).toBeLessThan(8 * MAX_GROWTH);
  });
});

test('steps are counted: a check that is not linear shows', () => {
  const stepsOf = (calls: number): number =>
    countReads(largeRun('many keys', calls, false), ({ history: { operations } }) => {
      for (const one of operations) operations.filter(({ caller }) => caller === one.caller);
    });
  expect(stepsOf(200) / stepsOf(100)).toBeGreaterThan(3.5);
});

/** How often `look` reads a field of the value, or of something in it. */
function countReads<T extends object>(value: T, look: (value: T) => void): number {
  let reads = 0;
  const counted = new WeakMap<object, object>();
  const count = (target: unknown): unknown => {
    if (typeof target !== 'object' || target === null) return target;
    const known = counted.get(target);
    if (known !== undefined) return known;
    const proxy = new Proxy(target, {
      get: (own, name, receiver) => {
        reads++;
        return count(Reflect.get(own, name, receiver) as unknown);
      },
    });
    counted.set(target, proxy);
    return proxy;
  };
  look(count(value) as T);
  return reads;
}
