import { describe, expect, test } from 'vitest';
import { SleepSetSearch } from '../src/strategy/sleep-set-search.ts';
import { CheckedClaimModel, touchesDepend, type ModelStep, type Touch } from './support/checked-claim-model.ts';

/* The classes that the search finds on the pure model of checked-claim: the numbers that it must find on the database. */

function search(clients: number): { classes: Set<string>; runs: number; redundant: number } {
  const sleepSets = new SleepSetSearch<Touch>({ dependent: touchesDepend, dependentAtOnce: () => true });
  const classes = new Set<string>();
  let [runs, redundant] = [0, 0];
  for (let hasMore = true; hasMore;) {
    const model = new CheckedClaimModel(clients);
    const steps: Placed[] = [];
    for (let { enabled } = model; enabled.length > 0; { enabled } = model) {
      const { id, client } = sleepSets.next(enabled);
      const touch = model.step(client);
      sleepSets.executed(touch);
      steps.push(place(steps, { ...touch, id, client }));
    }
    const end = sleepSets.end();
    ({ hasMore } = end);
    if (end.kind === 'redundant') redundant++;
    else {
      runs++;
      classes.add(classOf(steps));
    }
  }
  return { classes, runs, redundant };
}

/** Every order there is, each by itself: how many, and their classes. */
function bruteForce(clients: number): { orders: number; classes: Set<string> } {
  const classes = new Set<string>();
  let orders = 0;
  const visit = (model: CheckedClaimModel, steps: readonly Placed[]): void => {
    const { enabled } = model;
    if (enabled.length === 0) {
      orders++;
      classes.add(classOf(steps));
    }
    for (const { id, client } of enabled) {
      const next = model.copy();
      visit(next, [...steps, place(steps, { ...next.step(client), id, client })]);
    }
  };
  visit(new CheckedClaimModel(clients), []);
  return { orders, classes };
}

interface Placed extends ModelStep {
  readonly level: number;
  readonly text: string;
}

/** One level below all that it depends on. */
function place(before: readonly Placed[], step: ModelStep): Placed {
  let level = 0;
  for (const other of before) {
    if (other.level >= level && (other.client === step.client || touchesDepend(other, step))) level = other.level + 1;
  }
  return { ...step, level, text: `${step.id} on ${level}: ${step.writes.join()}` };
}

/** Same for two orders exactly when they are equivalent: what was done on which level, which is Foata's normal form. */
const classOf = (steps: readonly Placed[]): string =>
  steps
    .map(({ text }) => text)
    .toSorted()
    .join('; ');

describe('the classes of all orders, each once', () => {
  test.each([
    [2, 326, 10, 0],
    [3, 382_296, 81, 1],
  ])(
    '%i clients, %i orders: %i classes, %i redundant',
    { timeout: 60_000 },
    (clients, orders, count, expectedRedundant) => {
      const all = bruteForce(clients);
      expect(all.orders).toBe(orders);
      const { classes, runs, redundant } = search(clients);
      expect(classes).toEqual(all.classes);
      expect([classes.size, runs, redundant]).toEqual([count, count, expectedRedundant]);
    },
  );
});

test('four clients: 652 classes, each once', { timeout: 60_000 }, () => {
  const { classes, runs, redundant } = search(4);
  expect([classes.size, runs, redundant]).toEqual([652, 652, 17]);
});
