import { fc, test } from '@fast-check/vitest';
import { afterAll, expect } from 'vitest';
import { promiseTexts, type PromiseName, type Violation } from '../../src/checker/violation.ts';
import type { KnownBadSubject } from '../../src/subjects/subject.ts';
import { path, runs, seed, timeLimitMs } from './budget.ts';
import { count, formatWorkload } from './format-workload.ts';
import { openStorms } from './storms.ts';
import { workloads, type Workload } from './workload.ts';

/** A known-bad flow that breaks the promise. */
export interface Red {
  readonly subject: KnownBadSubject;
  /**
   * How few callers must be left of the workload that shows it. Only for a flow that needs no race: where the timing decides, a
   * smaller workload that fails now and then may be passed over, and a race's counterexample is as small as chance allowed.
   */
  readonly callersMax?: number;
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
const SHRINKING_RUNS_MAX = 100;
const RACE_SHRINKING_RUNS_MAX = 24;
/** Of them, those that make it plainer still when it has as few callers as it must have. */
const POLISHING_RUNS_MAX = 12;
/** Two make a race; with no more left, shrinking only polishes. */
const RACE_CALLERS = 2;
/** Workloads within which a known-bad flow must have been caught. */
const RED_WORKLOADS_MAX = 60;
const SENTENCES_MAX = 5;

type Run = (workload: Workload) => Promise<readonly Violation[]>;

/** Tests that the reference keeps the promises on random workloads, and that the known-bad flows are seen to break them. */
export function testPromise(promises: readonly [PromiseName, ...PromiseName[]], reds: readonly Red[]): void {
  const storms = openStorms();
  afterAll(() => storms[Symbol.asyncDispose]());
  const text = promises.map((promise) => `${promise} (${promiseTexts[promise]})`).join(' and ');

  test.prop([workloads], { seed, numRuns: runs, ...(path === undefined ? {} : { path }) })(
    `the reference keeps ${text} in ${count(runs, 'random workload', 'random workloads')}`,
    keeps(promises, (workload) => storms.run(workload)),
    timeLimitMs,
  );

  test.each(reds)(
    `$subject.name breaks ${text} (with seed=${seed})`,
    async ({ subject, callersMax }) => {
      const property = fc.asyncProperty(
        workloads,
        keeps(
          promises,
          (workload) => storms.run(workload, subject),
          callersMax === undefined ? raceShrinking : { callersEnough: callersMax, runsMax: SHRINKING_RUNS_MAX },
        ),
      );
      const details = await fc.check(property, { seed, numRuns: RED_WORKLOADS_MAX });
      expect(details.failed, `${subject.name} was not caught in ${details.numRuns} workloads, seed ${seed}`).toBe(true);
      const [smallest] = details.counterexample ?? [];
      if (smallest === undefined) throw new TypeError('a failure without a counterexample');
      const { numRuns, numShrinks, counterexamplePath, errorInstance } = details;
      process.stdout.write(
        `\n${subject.name}: caught in workload ${numRuns}, shrunk ${count(numShrinks, 'time', 'times')}; seed ${seed}, path ${counterexamplePath}\n` +
          `${errorInstance instanceof Error ? errorInstance.message : String(errorInstance)}\n`,
      );
      if (callersMax !== undefined)
        expect(smallest.plan.calls.length, `callers left by shrinking, seed ${seed}`).toBeLessThanOrEqual(callersMax);
    },
    timeLimitMs,
  );
}

interface Shrinking {
  /** A counterexample with so few callers is only polished. */
  readonly callersEnough: number;
  readonly runsMax: number;
}

const raceShrinking: Shrinking = { callersEnough: RACE_CALLERS, runsMax: RACE_SHRINKING_RUNS_MAX };

/** The predicate of one property; it counts what its shrinking costs, so no two may share it. */
function keeps(
  promises: readonly PromiseName[],
  run: Run,
  { callersEnough, runsMax }: Shrinking = { callersEnough: 1, runsMax: SHRINKING_RUNS_MAX },
): (workload: Workload) => Promise<void> {
  let callersLeft = Number.POSITIVE_INFINITY;
  let shrinkingRuns = 0;
  let polishingRuns = 0;
  const mayRun = (): boolean => {
    if (callersLeft === Number.POSITIVE_INFINITY) return true;
    if (callersLeft <= callersEnough && ++polishingRuns > POLISHING_RUNS_MAX) return false;
    return ++shrinkingRuns <= runsMax;
  };
  return async (workload) => {
    const tries = callersLeft === Number.POSITIVE_INFINITY ? 1 : TRIES;
    for (let number = 1; number <= tries && mayRun(); number++) {
      const violations = (await run(workload)).filter(({ promise }) => promises.includes(promise));
      if (violations.length === 0) continue;
      callersLeft = workload.plan.calls.length;
      throw new Error(formatFailure(workload, violations));
    }
  };
}

function formatFailure(workload: Workload, violations: readonly Violation[]): string {
  const sentences = violations
    .slice(0, SENTENCES_MAX)
    .map(({ promise, sentence }) => `  ${promise.padEnd(8)} ${sentence}`);
  const more = violations.length - sentences.length;
  return [formatWorkload(workload), ...sentences, ...(more > 0 ? [`  and ${more} more`] : [])].join('\n');
}
