import { describe, expect, test } from 'vitest';
import { SleepSetSearch } from '../src/explore/sleep-set-search.ts';
import { CheckedClaimModel, touchesDepend, type ModelStep, type Touch } from './support/checked-claim-model.ts';

/* The classes that the search finds on the pure model of checked-claim: the numbers that it must find on the database. */

function search(clients: number): { classes: Set<string>; runs: number; cut: number } {
  const sleepSets = new SleepSetSearch<Touch>(touchesDepend);
  const classes = new Set<string>();
  let [runs, cut] = [0, 0];
  for (let hasMore = true; hasMore;) {
    const model = new CheckedClaimModel(clients);
    const steps: ModelStep[] = [];
    for (let { enabled } = model; enabled.length > 0; { enabled } = model) {
      const { id, client } = sleepSets.choose(enabled);
      const touch = model.step(client);
      sleepSets.took(touch);
      steps.push({ ...touch, id, client });
    }
    const end = sleepSets.end();
    ({ hasMore } = end);
    if (end.kind === 'cut') cut++;
    else {
      runs++;
      classes.add(classOf(steps));
    }
  }
  return { classes, runs, cut };
}

/** Every order there is, each by itself. */
function bruteForce(clients: number, order: readonly number[] = []): ModelStep[][] {
  const model = new CheckedClaimModel(clients);
  const steps: ModelStep[] = [];
  for (const client of order) {
    const id = model.enabled.find((one) => one.client === client)?.id ?? '';
    steps.push({ ...model.step(client), id, client });
  }
  const { enabled } = model;
  return enabled.length === 0 ? [steps] : enabled.flatMap(({ client }) => bruteForce(clients, [...order, client]));
}

/** Same for two orders exactly when they are equivalent: which of two dependent steps came first, for all of them. */
const classOf = (steps: readonly ModelStep[]): string =>
  steps
    .flatMap((one, index) =>
      steps
        .slice(index + 1)
        .filter((other) => one.client !== other.client && touchesDepend(one, other))
        .map((other) => `${one.id}<${other.id}`),
    )
    .toSorted()
    .join(' ');

test('two clients: the classes of all 326 orders, each once', () => {
  const all = bruteForce(2);
  expect(all).toHaveLength(326);
  const { classes, runs, cut } = search(2);
  expect(classes).toEqual(new Set(all.map(classOf)));
  expect([classes.size, runs, cut]).toEqual([10, 10, 18]);
});

describe('more clients: each class once', () => {
  test.each([
    [3, 81, 552],
    [4, 652, 13_874],
  ])('%i clients: %i classes, %i cut', { timeout: 60_000 }, (clients, count, expectedCut) => {
    const { classes, runs, cut } = search(clients);
    expect([classes.size, runs, cut]).toEqual([count, count, expectedCut]);
  });
});
