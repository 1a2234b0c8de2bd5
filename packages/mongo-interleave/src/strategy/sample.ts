import { expectAboveZero } from '../check-option.ts';
import { dependent, type Footprint } from '../footprint/footprint.ts';
import { InterleaveError } from '../interleave-error.ts';
import type { Condition } from '../run/condition.ts';
import type { RunResult } from '../run/result.ts';
import type { Runner } from '../run/runner.ts';
import type { Scheduler } from '../schedule/scheduler.ts';
import type { FaultOptions } from './explore-options.ts';
import { partialOrder, prioritized, randomWalk, uniformRandomWalk, type Pending, type Sampler } from './samplers.ts';
import { seededRandom } from './seeded-random.ts';
import { Summary, type Ends } from './summary.ts';
import { Violations, type Violation } from './violations.ts';

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
  /** Called with each run. */
  readonly onRun?: (result: RunResult<T>) => void;
}

/** What sampling did and found. Says nothing about schedules that were not drawn. */
export interface Sampling<T> {
  readonly runs: number;
  /** Number of different schedules among the runs. */
  readonly distinct: number;
  readonly seconds: number;
  readonly seed: number;
  /** Runs that are not valid. */
  readonly violated: number;
  /** The distinct failures, the simplest run of each, in the order in which they were found. `classes` counts runs here. */
  readonly violations: readonly Violation<T>[];
  /** What the runs took for granted. */
  readonly conditions: readonly Condition[];
  /** By client, how its flow ended. */
  readonly ends: readonly Ends[];
}

const DEFAULT_MAX_RUNS = 1_000;
const DEFAULT_MAX_DURATION_MS = 60_000;
const DEFAULT_DEPTH = 2;
const SEED_COUNT = 2 ** 31;

/**
 * Draws schedules at random and runs them, until a limit is reached.
 *
 * @throws InterleaveError `invalid-option`, `all-threw`, and the errors of the runs
 */
export async function sample<T>(
  options: SampleOptions<T>,
  runner: Runner<T>,
  mayAllThrow = false,
): Promise<Sampling<T>> {
  const { maxRuns = DEFAULT_MAX_RUNS, maxDurationMs = DEFAULT_MAX_DURATION_MS, maxViolations = Infinity } = options;
  const { seed = Math.floor(Math.random() * SEED_COUNT), depth = DEFAULT_DEPTH } = options;
  expectAboveZero({ maxRuns, maxDurationMs, maxViolations, depth });
  if (!Number.isInteger(seed)) throw new InterleaveError('invalid-option', `seed must be an integer, not ${seed}.`);
  const startedMs = performance.now();
  const random = seededRandom(seed);
  const sampler = samplerOf(options.strategy, random, depth);
  const tokens = new Set<string>();
  const violations = new Violations<T>();
  const summary = new Summary<T>();
  let runs = 0;
  let steps = 1;
  while (runs < maxRuns && performance.now() - startedMs < maxDurationMs && violations.classes < maxViolations) {
    const kinds = options.faults?.kinds ?? [];
    const kind = kinds[Math.floor(random() * kinds.length)];
    const fault = kind === undefined ? undefined : { kind, step: Math.floor(random() * steps) };
    const execution = await runner.execute(sampleScheduler(sampler, fault), startedMs + maxDurationMs);
    sampler.end();
    if (execution.isGivenUp) break;
    const result = await runner.judge(execution);
    runs++;
    steps = Math.max(steps, result.trace.length);
    tokens.add(result.token);
    violations.add(result);
    summary.add(execution, result);
    options.onRun?.(result);
  }
  if (violations.classes === 0 && !mayAllThrow) summary.expectReturned();
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
