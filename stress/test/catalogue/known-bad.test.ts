import type { Exploration } from 'mongo-interleave';
import { startReplicaSet } from 'mongo-replica-set';
import { afterAll, describe, expect, test } from 'vitest';
import { openShowingRace } from '../../src/catalogue/open-showing-race.ts';
import { violationsOf } from '../../src/explore/explore-race.ts';
import { faultKindsOf, faultsAt } from '../../src/explore/faults.ts';
import type { Race } from '../../src/explore/open-race.ts';
import { knownBad } from '../../src/subjects/index.ts';
import type { KnownBadSubject } from '../../src/subjects/subject.ts';

/** Nobody kills its one member, so its majority writes need no journal. */
const set = await startReplicaSet({ members: 1, journaledMajority: false });
afterAll(() => set.stop());

/** A busy machine takes several times the usual 10 s for the longest of them. */
const timeLimitMs = 100_000;

describe('exploring catches every known-bad flow, each time', () => {
  test.each(knownBad)('$name breaks $breaks: $shownBy.mode', { timeout: timeLimitMs + 10_000 }, async (subject) => {
    await using race = await openShowingRace(set.uri, subject);
    const explored = await explore(race, subject);
    const broken = explored.violations.flatMap((schedule) => violationsOf(schedule).map(({ promise }) => promise));
    expect(broken, `${subject.name} survived ${explored.runs} runs`).toContain(subject.breaks[0]);
  });
});

describe('a known-bad flow shows with as many preemptions as its depth says, and not with fewer', () => {
  test.each(knownBad)('$name: $depth', { timeout: timeLimitMs + 10_000 }, async (subject) => {
    await using race = await openShowingRace(set.uri, subject);
    const preemptions = subject.depth - 1;
    const enough = await explore(race, subject, preemptions);
    expect(enough.violations, `with ${preemptions} preemptions`).toHaveLength(1);
    if (preemptions === 0) return;
    const tooFew = await explore(race, subject, preemptions - 1);
    expect({ complete: tooFew.complete, violations: tooFew.violations }).toEqual({ complete: true, violations: [] });
  });
});

function explore(
  { interleaving, firstClients }: Race,
  { shownBy }: KnownBadSubject,
  preemptionLimit = Infinity,
): Promise<Exploration<string>> {
  return interleaving.explore({
    timeLimitMs,
    violationLimit: 1,
    preemptionLimit,
    ...faultsAt(firstClients, faultKindsOf[shownBy.mode]),
  });
}

test('at least twenty, and each of another name', () => {
  expect(new Set(knownBad.map(({ name }) => name)).size).toBe(knownBad.length);
  expect(knownBad.length).toBeGreaterThanOrEqual(20);
});
