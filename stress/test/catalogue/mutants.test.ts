import type { Exploration } from 'mongo-interleave';
import { judgedBy, judgeSchedule, openGatedScenario, type GatedScenario } from 'mongo-harness/testing';
import { exploringSet } from 'test-kit';
import { describe, expect, test } from 'vitest';
import { mutants } from '../../src/flows/index.ts';
import type { RotationMutant } from '../../src/flows/rotation-flow.ts';
import rotationSystem from '../../src/rotation-system.ts';

const set = exploringSet();

/** A busy machine takes several times the usual 10 s for the longest of them. */
const maxDurationMs = 100_000;

const rows = mutants.map((mutant) => {
  const { name, breaks, depth, explorations } = mutant;
  return { mutant, name, breaks, depth, faults: explorations[0].faults?.join(' or ') ?? 'no fault' };
});

describe('exploring catches every mutant, each time', () => {
  test.each(rows)('$name breaks $breaks: $faults', { timeout: maxDurationMs + 10_000 }, async ({ mutant }) => {
    await using scenario = await openPlace(mutant);
    const explored = await explore(scenario, mutant);
    const broken = explored.violations.flatMap((schedule) =>
      judgeSchedule(schedule).violations.map(({ invariant }) => invariant),
    );
    expect(broken, `${mutant.name} survived ${explored.runs} runs`).toContain(mutant.breaks[0]);
  });
});

describe('a mutant shows with as many preemptions as its depth says, and not with fewer', () => {
  test.each(rows)('$name: $depth', { timeout: maxDurationMs + 10_000 }, async ({ mutant, depth }) => {
    await using scenario = await openPlace(mutant);
    const preemptions = depth - 1;
    const enough = await explore(scenario, mutant, preemptions);
    expect(enough.violations, `with ${preemptions} preemptions`).toHaveLength(1);
    if (preemptions === 0) return;
    const tooFew = await explore(scenario, mutant, preemptions - 1);
    expect({ complete: tooFew.complete, violations: tooFew.violations }).toEqual({ complete: true, violations: [] });
  });
});

/** Opens the mutant's first place; only the invariants that it is known to break are judged. */
const openPlace = ({ name, breaks, explorations: [place] }: RotationMutant): Promise<GatedScenario> =>
  openGatedScenario(judgedBy(rotationSystem, breaks), set.uri, { flow: name, ...place });

function explore(
  { session, firstClients, judged }: GatedScenario,
  { explorations: [{ faults: kinds }] }: RotationMutant,
  maxPreemptions = Infinity,
): Promise<Exploration<string>> {
  return session.explore({
    maxDurationMs,
    maxViolations: 1,
    everyState: judged === 'every-commit',
    maxPreemptions,
    ...(kinds === undefined ? {} : { faults: { kinds, clients: firstClients } }),
  });
}

test('at least twenty, and each of another name', () => {
  expect(new Set(mutants.map(({ name }) => name)).size).toBe(mutants.length);
  expect(mutants.length).toBeGreaterThanOrEqual(20);
});
