import { describe, expect, test } from 'vitest';
import { parseCommandLine } from '../../src/command-line.ts';
import { exploreRace } from '../../src/explore/explore-race.ts';
import { callersIn, misfitOf, planExplorations, planOne } from '../../src/explore/plan-explorations.ts';
import { knownBad } from '../../src/subjects/index.ts';

/** No row runs, so nobody is asked. */
const NO_URI = 'mongodb://127.0.0.1:1/?replicaSet=none';

test('the line of each row, given as a command, plans that row again', async () => {
  const rows = [...planExplorations({}), planOne({ subject: 'naive', faults: ['crash', 'lost-reply'] })];
  expect(rows.length).toBeGreaterThan(knownBad.length);
  for (const row of rows) {
    const { reproduce } = await exploreRace(NO_URI, row, { violationLimit: 1, signal: AbortSignal.abort() });
    const again = parseCommandLine(reproduce.split(' ').slice(2));
    if (again.kind !== 'explore') throw new Error(`expected explore, not ${again.kind}`);
    expect(planExplorations(again.options)).toContainEqual(row);
  }
});

test('each known-bad flow must be caught', () => {
  const rows = planExplorations({});
  for (const { name } of knownBad)
    expect(rows.filter(({ subject }) => subject.name === name)).toMatchObject([{ expected: 'violated' }]);
});

test('elsewhere nothing is promised of it, and the reference must be valid everywhere', () => {
  expect(planOne({ subject: 'kept-key', adapter: 'keypool' }).expected).toBeUndefined();
  expect(planOne({ subject: 'naive', faults: ['reset'] }).expected).toBeUndefined();
  expect(planOne({ subject: 'naive', callers: 3 }).expected).toBe('violated');
  expect(planOne({ subject: 'reference', faults: ['reset'] }).expected).toBe('valid');
});

test('none of the default rows is a misfit; an old flow has no operator', () => {
  expect(planExplorations({}).map(misfitOf)).toEqual(planExplorations({}).map(() => undefined));
  expect(misfitOf(planOne({ subject: 'naive', scenario: 'restore' }))).toBe(
    'naive has nothing for the operator of restore.',
  );
});

describe('callers that a token names', () => {
  test.each([
    ['v1:AAA', undefined, 1],
    ['v1:ABCA!', 'same-key', 3],
    ['v1:ABCA!', 'restore', 2],
    ['v1:', undefined, 1],
  ])('%s in %s: %i', (token, scenario, callers) => {
    expect(callersIn(token, scenario)).toBe(callers);
  });
});
