import type { Chooser } from '../execute-run.ts';
import { expectAboveZero } from '../expect-above-zero.ts';
import type { Runner } from '../explore/explore.ts';
import { dependent, type Footprint } from '../footprint/footprint.ts';
import { InterleaveError } from '../interleave-error.ts';
import type { FaultOptions } from '../options.ts';
import type { RunResult } from '../run-result.ts';
import { partialOrder, prioritized, randomWalk, uniformRandomWalk, type Pending, type Sampler } from './samplers.ts';
import { seededRandom } from './seeded-random.ts';

/** How schedules are drawn: random walk, uniform random walk, PCT, POS; see src/sample/samplers.ts. */
export type Strategy = 'random' | 'urw' | 'pct' | 'pos';

export interface SampleOptions<T> {
  readonly strategy: Strategy;
  /** `pct` only: the depth of the bugs that are looked for, from 1; default 2, which most races take. */
  readonly depth?: number;
  /** Default 1,000. */
  readonly runs?: number;
  /** An integer; the same one draws the same schedules. Default: one drawn at random, and answered. */
  readonly seed?: number;
  /** Give up after this many milliseconds, when the run at hand is over; default 60,000. */
  readonly timeLimitMs?: number;
  /** Stop after this many violated runs; default: go on to the end. */
  readonly violationLimit?: number;
  /** What may go wrong in a run, once at a random step. Default: nothing. */
  readonly faults?: Pick<FaultOptions, 'kinds'>;
  /** Called with each run. */
  readonly onRun?: (result: RunResult<T>) => void;
}

/** What sampling did and found. It proves nothing about schedules that were not drawn. */
export interface Sampling<T> {
  readonly runs: number;
  /** Different schedules among them. */
  readonly distinct: number;
  readonly seconds: number;
  readonly seed: number;
  readonly violations: readonly RunResult<T>[];
}

const DEFAULT_RUNS = 1_000;
const DEFAULT_TIME_LIMIT_MS = 60_000;
const DEFAULT_DEPTH = 2;
const SEED_COUNT = 2 ** 31;

/** Draws and runs schedules until a limit. */
export async function sample<T>(options: SampleOptions<T>, runner: Runner<T>): Promise<Sampling<T>> {
  const { runs: runLimit = DEFAULT_RUNS, timeLimitMs = DEFAULT_TIME_LIMIT_MS, violationLimit = Infinity } = options;
  const { seed = Math.floor(Math.random() * SEED_COUNT), depth = DEFAULT_DEPTH } = options;
  expectAboveZero({ runs: runLimit, timeLimitMs, violationLimit, depth });
  if (!Number.isInteger(seed)) throw new InterleaveError('invalid-option', `seed is an integer, not ${seed}.`);
  const startedMs = performance.now();
  const random = seededRandom(seed);
  const sampler = samplerOf(options.strategy, random, depth);
  const tokens = new Set<string>();
  const violations: RunResult<T>[] = [];
  let runs = 0;
  let steps = 1;
  while (runs < runLimit && performance.now() - startedMs < timeLimitMs && violations.length < violationLimit) {
    const kinds = options.faults?.kinds ?? [];
    const kind = kinds[Math.floor(random() * kinds.length)];
    const fault = kind === undefined ? undefined : { kind, step: Math.floor(random() * steps) };
    const executed = await runner.execute(sampleChooser(sampler, fault));
    sampler.end();
    const result = await runner.judge(executed);
    runs++;
    steps = Math.max(steps, result.trace.length);
    tokens.add(result.token);
    if (result.verdict.kind === 'violated') violations.push(result);
    options.onRun?.(result);
  }
  return { runs, distinct: tokens.size, seconds: (performance.now() - startedMs) / 1_000, seed, violations };
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

function sampleChooser(
  sampler: Sampler<Footprint>,
  fault: { readonly kind: FaultOptions['kinds'][number]; readonly step: number } | undefined,
): Chooser {
  let others: readonly Pending<Footprint>[] = [];
  return {
    choose: (offers, step) => {
      const pending = offers.map((offer) => ({ ...offer, client: offer.choice.client }));
      const chosen = sampler.choose(pending, step);
      others = pending.filter((one) => one !== chosen);
      return fault?.step === step ? { ...chosen, choice: { ...chosen.choice, fault: fault.kind } } : chosen;
    },
    took: (footprint) => sampler.took(footprint, others),
  };
}
