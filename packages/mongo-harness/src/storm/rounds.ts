import { Nemesis } from '../nemesis/nemesis.ts';
import { randomOf } from '../nemesis/random-of.ts';
import type { Context } from '../report/context.ts';
import { toFailure } from '../report/failure.ts';
import type { Row } from '../report/row.ts';
import type { SystemTypes } from '../system/system-types.ts';
import { resolveTrial } from '../trial/resolve-trial.ts';
import type { StormFault } from '../system/storm-fault.ts';
import type { Rounds, StormTrial } from '../trial/trial.ts';
import { judgeStorm } from './judge.ts';
import type { PlannedFault } from './make-fault.ts';
import { callersName } from './messages.ts';
import { planCalls } from './plan.ts';
import { reportRounds, reportStorm } from './report.ts';
import { runStorm, type StormOptions, type StormSite } from './run.ts';
import { Tally } from './tally.ts';
import { LEAD_MS } from './timetable.ts';

export type RoundsTrial = StormTrial & { readonly rounds: Rounds };

const SEED_COUNT = 2 ** 31;
/** Of violated rounds, so that a storm that goes on after violations does not fill the disk. */
const MAX_HISTORIES = 10;
/** How long the callers that come at once are under way, until a round without a fault has shown it. */
const BURST_MS = 300;

/**
 * A storm that goes on in rounds, until its time is over, an invariant is broken, or the signal fires. A round that the signal cuts off
 * counts for nothing.
 */
export async function runRounds<T extends SystemTypes>(
  context: Context<T>,
  site: StormSite<T>,
  trial: RoundsTrial,
  options: Omit<StormOptions<T>, 'plan' | 'fault' | 'maxConcurrency'> & { readonly maxConcurrency: number | undefined },
): Promise<Row> {
  const { system, command, signal, evidence, progress } = context;
  const { rounds } = trial;
  const nemesis =
    site.set === undefined
      ? undefined
      : new Nemesis(
          {
            set: site.set,
            callers: site.workers,
            appName: callersName(system),
            ...(site.wire === undefined ? {} : { wire: site.wire }),
          },
          rounds,
        );
  const tally = new Tally(system, resolveTrial(system, trial).flow.deadlineMs);
  const broken: Row[] = [];
  const endsAtMs = performance.now() + rounds.forMs;
  let burstMs = BURST_MS;
  let failed: Pick<Row, 'reason' | 'failure'> = {};
  const goesOn = (): boolean => tally.judged === 0 || nemesis?.owesFaults === true || performance.now() < endsAtMs;
  for (let round = 0; !signal.aborted && goesOn(); round++) {
    const seed = (trial.seed + round) % SEED_COUNT;
    const plan = planCalls(system, { ...trial, seed });
    try {
      const random = randomOf(seed);
      const kind = nemesis?.next();
      progress.show(`${trial.scenario}, ${trial.flow} on ${trial.deployment}, round ${round + 1} ${kind ?? ''}`);
      const fault =
        nemesis === undefined || kind === undefined ? {} : { fault: planFault(nemesis, kind, burstMs, random) };
      const maxConcurrency = options.maxConcurrency ?? Math.max(1, plan.calls.length);
      const storm = await runStorm(system, site, trial, { ...options, plan, maxConcurrency, ...fault });
      if (storm.isCutOff) break;
      if (kind === undefined) burstMs = storm.durationMs;
      const judgement = judgeStorm(system, storm.run);
      tally.add(storm, judgement.verdict === 'violated', plan.calls.length);
      if (judgement.verdict !== 'violated') continue;
      if (broken.length < MAX_HISTORIES) {
        const roundTrial = { ...trial, seed, rounds: alone(rounds, kind) };
        broken.push(await evidence.keep(reportStorm(system, command, roundTrial, plan, storm, judgement), storm.run));
      }
      if (!rounds.goOn) break;
    } catch (error) {
      if (signal.aborted) break;
      const { kind, reason } = toFailure(error, trial.exec !== undefined);
      failed = { reason: `round ${round + 1}: ${reason}`, failure: kind };
      // What a worker is at in a round that failed is not known.
      await site.workers[Symbol.asyncDispose]();
      break;
    }
  }
  return reportRounds(system, command, trial, planCalls(system, trial), tally, { broken, failed, signal });
}

/** What shows one round again. */
const alone = (rounds: Rounds, kind: StormFault | undefined): Rounds => ({
  ...rounds,
  faults: kind === undefined ? [] : [kind],
});

/** Begins while the callers that come at once are under way, or a little before. */
const planFault = (nemesis: Nemesis, kind: StormFault, burstMs: number, random: () => number): PlannedFault => ({
  kind,
  prepare: () => nemesis.prepare(kind, random),
  atMs: random() * (LEAD_MS + burstMs),
  random,
});
