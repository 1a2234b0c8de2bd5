import {
  expectAboveZero,
  expectFunction,
  expectInteger,
  expectList,
  expectOneOf,
  expectOptions,
  given,
  type Names,
} from '../check-option.ts';
import { dependent, type Footprint } from '../footprint/footprint.ts';
import { tell } from '../run/bad-run.ts';
import type { Execution } from '../run/execution.ts';
import type { RunResult } from '../run/result.ts';
import type { Runner } from '../run/runner.ts';
import type { Scheduler } from '../schedule/scheduler.ts';
import { expectFaultKinds } from '../schedule/token.ts';
import { FailedStarts } from './failed-starts.ts';
import type { FaultOptions } from './explore-options.ts';
import { keepFound, type Found } from './found.ts';
import { partialOrder, prioritized, randomWalk, uniformRandomWalk, type Pending, type Sampler } from './samplers.ts';
import { seededRandom } from './seeded-random.ts';
import { Summary } from './summary.ts';
import { Violations } from './violations.ts';

/** How schedules are drawn: random walk, uniform random walk (URW), probabilistic concurrency testing (PCT), partial order sampling (POS). */
export type Strategy = 'random' | 'urw' | 'pct' | 'pos';

export interface SampleOptions<T> {
  readonly strategy: Strategy;
  /** `pct` only: the depth of the bugs to find, from 1. Default 2, the depth of most concurrency bugs. */
  readonly depth?: number;
  /** Number of schedules to draw. Default 1,000. */
  readonly maxRuns?: number;
  /** An integer. The same seed draws the same schedules. Default: a random seed, which the result names. */
  readonly seed?: number;
  /** Stops after this many milliseconds, also in the middle of a run, which is then not counted. Default 60,000. */
  readonly maxDurationMs?: number;
  /** Stops after this many runs that are not valid. Default: no limit. */
  readonly maxViolations?: number;
  /** The faults to choose from; each run has one, at a random step. Default: no faults. */
  readonly faults?: Pick<FaultOptions, 'kinds'>;
  /** Called with each run, and awaited. If it throws, the sampling ends with `callback-failed`. */
  readonly onRun?: (result: RunResult<T>) => unknown;
}

/** What sampling did and found. Says nothing about schedules that were not drawn. `classes` of a violation counts runs. */
export interface Sampling<T> extends Found<T> {
  /** Number of different schedules among the runs. */
  readonly distinct: number;
  readonly seed: number;
}

const OPTIONS: Names<SampleOptions<unknown>> = {
  strategy: true,
  depth: true,
  maxRuns: true,
  seed: true,
  maxDurationMs: true,
  maxViolations: true,
  faults: true,
  onRun: true,
};
const FAULT_OPTIONS: Names<Pick<FaultOptions, 'kinds'>> = { kinds: true };
const STRATEGIES: readonly Strategy[] = ['random', 'urw', 'pct', 'pos'];

const DEFAULT_MAX_RUNS = 1_000;
const DEFAULT_MAX_DURATION_MS = 60_000;
const DEFAULT_DEPTH = 2;
const SEED_COUNT = 2 ** 31;

/**
 * Draws schedules at random and runs them, until a limit is reached.
 *
 * @throws InterleaveError `invalid-option`, `all-threw`, `callback-failed`, and the errors of the runs. {@link foundBefore} tells what was
 *   found before the error
 */
export async function sample<T>(
  options: SampleOptions<T>,
  runner: Runner<T>,
  mayAllThrow = false,
): Promise<Sampling<T>> {
  expectSampleOptions(options);
  runner.expectPossible(options.faults?.kinds ?? []);
  const { maxRuns = DEFAULT_MAX_RUNS, maxDurationMs = DEFAULT_MAX_DURATION_MS, maxViolations = Infinity } = options;
  const { seed = Math.floor(Math.random() * SEED_COUNT), depth = DEFAULT_DEPTH } = options;
  const startedMs = performance.now();
  const random = seededRandom(seed);
  const sampler = samplerOf(options.strategy, random, depth);
  const tokens = new Set<string>();
  const violations = new Violations<T>();
  const summary = new Summary<T>();
  const failedStarts = new FailedStarts();
  let runs = 0;
  let steps = 1;
  try {
    while (runs < maxRuns && performance.now() - startedMs < maxDurationMs && violations.classes < maxViolations) {
      const execution = await drawn();
      if (execution === undefined) continue;
      if (execution.isGivenUp) break;
      const result = await runner.judge(execution);
      runs++;
      steps = Math.max(steps, result.trace.length);
      tokens.add(result.token);
      violations.add(result);
      summary.add(execution, result);
      await tell('onRun', options.onRun, result);
    }
  } catch (error) {
    throw runs === 0 ? error : keepFound(error, found());
  }
  if (violations.classes === 0 && !mayAllThrow) summary.expectReturned();
  return found();

  /** @returns undefined if the run could not be started, and may be tried again */
  async function drawn(): Promise<Execution<T> | undefined> {
    const kinds = options.faults?.kinds ?? [];
    const kind = kinds[Math.floor(random() * kinds.length)];
    const fault = kind === undefined ? undefined : { kind, step: Math.floor(random() * steps) };
    try {
      const execution = await runner.execute(sampleScheduler(sampler, fault), startedMs + maxDurationMs);
      failedStarts.ended();
      return execution;
    } catch (error) {
      if (!failedStarts.mayTryAgain(error, runs)) throw error;
      return undefined;
    } finally {
      sampler.end();
    }
  }

  function found(): Sampling<T> {
    return {
      runs,
      distinct: tokens.size,
      seconds: (performance.now() - startedMs) / 1_000,
      seed,
      violated: violations.classes,
      violations: violations.all,
      conditions: summary.conditions,
      ends: summary.ends,
    };
  }
}

function expectSampleOptions<T>(options: SampleOptions<T>): void {
  const where = 'sample';
  expectOptions(where, options, OPTIONS);
  const { strategy, depth, maxRuns, seed, maxDurationMs, maxViolations, faults, onRun } = options;
  expectOneOf({ strategy }, STRATEGIES, where);
  expectAboveZero(given({ maxRuns, maxDurationMs, maxViolations, depth }), where);
  expectInteger(given({ seed }), Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, where);
  expectFunction(given({ onRun }), where);
  if (faults === undefined) return;
  expectOptions(`${where}: faults`, faults, FAULT_OPTIONS);
  expectList({ 'faults.kinds': faults.kinds }, where);
  expectFaultKinds(faults.kinds);
}

function samplerOf(strategy: Strategy, random: () => number, depth: number): Sampler<Footprint> {
  switch (strategy) {
    case 'random':
      return randomWalk(random);
    case 'urw':
      return uniformRandomWalk(random);
    case 'pct':
      return prioritized(random, depth);
    case 'pos':
      return partialOrder(random, dependent);
  }
}

function sampleScheduler(
  sampler: Sampler<Footprint>,
  fault: { readonly kind: FaultOptions['kinds'][number]; readonly step: number } | undefined,
): Scheduler {
  let others: readonly Pending<Footprint>[] = [];
  return {
    next: (enabled, step) => {
      const pending = enabled.map((one) => ({ ...one, client: one.choice.client }));
      const chosen = sampler.next(pending, step);
      others = pending.filter((one) => one !== chosen);
      return fault?.step === step ? { ...chosen, choice: { ...chosen.choice, fault: fault.kind } } : chosen;
    },
    executed: (footprint) => sampler.executed(footprint, others),
    restart: () => sampler.end(),
  };
}
