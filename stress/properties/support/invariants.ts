import { fc, test } from '@fast-check/vitest';
import type { Violation } from 'mongo-harness';
import { afterAll, expect } from 'vitest';
import { INVARIANTS, type InvariantName } from '../../src/checker/invariants.ts';
import type { RotationMutant } from '../../src/flows/rotation-flow.ts';
import { path, runs, seed, maxDurationMs } from './budget.ts';
import { count, formatWorkload } from './format-workload.ts';
import { openStorms } from './storms.ts';
import { workloads } from './random-workloads.ts';
import type { Workload } from './workload.ts';

/** A mutant that breaks the invariants. */
export interface Red {
  readonly flow: RotationMutant;
  /**
   * How few callers must be left of the workload that shows it. Only for a flow that needs no race: where the timing decides, a
   * smaller workload that fails now and then may be passed over, and a race's counterexample is as small as chance allowed.
   */
  readonly maxCallers?: number;
}

/**
 * A race is lost now and then: a workload that failed once need not fail again, for the order in which its callers reach the
 * database is not ours. So each candidate of the shrinking is run this often before it counts as harmless. One that is wrongly
 * let go only leaves the counterexample larger.
 */
const TRIES = 2;
/**
 * Runs that the shrinking of one failure may cost; all later candidates count as harmless. The few are enough for a look at a race,
 * and far too few to drop needless callers one by one, where the smallest counterexample is asked for.
 */
const MAX_SHRINKING_RUNS = 100;
const MAX_RACE_SHRINKING_RUNS = 24;
/** Of them, those that make it plainer still when it has as few callers as it must have. */
const MAX_POLISHING_RUNS = 12;
/** Two make a race; with no more left, shrinking only polishes. */
const RACE_CALLERS = 2;
/** Workloads within which a mutant must have been caught. */
const MAX_RED_WORKLOADS = 60;
const MAX_SENTENCES = 5;

type Run = (workload: Workload) => Promise<readonly Violation[]>;

/** Tests that the reference keeps the invariants on random workloads, and that the mutants are seen to break them. */
export function testInvariants(invariants: readonly [InvariantName, ...InvariantName[]], reds: readonly Red[]): void {
  const storms = openStorms();
  afterAll(() => storms[Symbol.asyncDispose]());
  const text = invariants.map((invariant) => `${invariant} (${INVARIANTS[invariant]})`).join(' and ');

  test.prop([workloads], { seed, numRuns: runs, ...(path === undefined ? {} : { path }) })(
    `the reference keeps ${text} in ${count(runs, 'random workload', 'random workloads')}`,
    keeps(invariants, (workload) => storms.run(workload)),
    maxDurationMs,
  );

  test.each(reds)(
    `$flow.name breaks ${text} (with seed=${seed})`,
    async ({ flow, maxCallers }) => {
      const property = fc.asyncProperty(
        workloads,
        keeps(
          invariants,
          (workload) => storms.run(workload, flow),
          maxCallers === undefined ? RACE_SHRINKING : { callersEnough: maxCallers, maxRuns: MAX_SHRINKING_RUNS },
        ),
      );
      const details = await fc.check(property, { seed, numRuns: MAX_RED_WORKLOADS });
      expect(details.failed, `${flow.name} was not caught in ${details.numRuns} workloads, seed ${seed}`).toBe(true);
      const [smallest] = details.counterexample ?? [];
      if (smallest === undefined) throw new TypeError('a failure without a counterexample');
      const { numRuns, numShrinks, counterexamplePath, errorInstance } = details;
      process.stdout.write(
        `\n${flow.name}: caught in workload ${numRuns}, shrunk ${count(numShrinks, 'time', 'times')}; seed ${seed}, path ${counterexamplePath}\n` +
          `${errorInstance instanceof Error ? errorInstance.message : String(errorInstance)}\n`,
      );
      if (maxCallers !== undefined)
        expect(smallest.plan.calls.length, `callers left by shrinking, seed ${seed}`).toBeLessThanOrEqual(maxCallers);
    },
    maxDurationMs,
  );
}

interface Shrinking {
  /** A counterexample with so few callers is only polished. */
  readonly callersEnough: number;
  readonly maxRuns: number;
}

const RACE_SHRINKING: Shrinking = { callersEnough: RACE_CALLERS, maxRuns: MAX_RACE_SHRINKING_RUNS };

/** The predicate of one property; it counts what its shrinking costs, so no two may share it. */
function keeps(
  invariants: readonly string[],
  run: Run,
  { callersEnough, maxRuns }: Shrinking = { callersEnough: 1, maxRuns: MAX_SHRINKING_RUNS },
): (workload: Workload) => Promise<void> {
  let callersLeft = Number.POSITIVE_INFINITY;
  let shrinkingRuns = 0;
  let polishingRuns = 0;
  const mayRun = (): boolean => {
    if (callersLeft === Number.POSITIVE_INFINITY) return true;
    if (callersLeft <= callersEnough && ++polishingRuns > MAX_POLISHING_RUNS) return false;
    return ++shrinkingRuns <= maxRuns;
  };
  return async (workload) => {
    const tries = callersLeft === Number.POSITIVE_INFINITY ? 1 : TRIES;
    for (let number = 1; number <= tries && mayRun(); number++) {
      const violations = (await run(workload)).filter(({ invariant }) => invariants.includes(invariant));
      if (violations.length === 0) continue;
      callersLeft = workload.plan.calls.length;
      throw new Error(formatFailure(workload, violations));
    }
  };
}

function formatFailure(workload: Workload, violations: readonly Violation[]): string {
  const sentences = violations
    .slice(0, MAX_SENTENCES)
    .map(({ invariant, sentence }) => `  ${invariant.padEnd(8)} ${sentence}`);
  const more = violations.length - sentences.length;
  return [formatWorkload(workload), ...sentences, ...(more > 0 ? [`  and ${more} more`] : [])].join('\n');
}
