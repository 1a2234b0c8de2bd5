import { seededRandom } from 'mongo-interleave';
import type { ReplicaSet } from 'mongo-test-replica-set';
import { Nemesis } from '../nemesis/nemesis.ts';
import type { Context } from '../report/context.ts';
import { toFailure } from '../report/failure.ts';
import type { Row } from '../report/row.ts';
import type { SystemTypes } from '../system/system-types.ts';
import { resolveTrial } from '../trial/resolve-trial.ts';
import { kindsOf, type FaultStep } from '../system/storm-fault.ts';
import type { Rounds, StormTrial } from '../trial/trial.ts';
import { judgeStorm } from './judge.ts';
import type { PlannedFaults } from './make-faults.ts';
import { callersName } from './messages.ts';
import { planCalls } from './plan.ts';
import { reportRounds, reportStorm } from './report.ts';
import { runStorm, type StormOptions, type StormSite } from './run.ts';
import { Tally } from './tally.ts';
import { maxWavesOf } from './timetable.ts';

export type RoundsTrial = StormTrial & { readonly rounds: Rounds };

const SEED_COUNT = 2 ** 31;
/** Of violated rounds, so that a storm that goes on after violations does not fill the disk. */
const MAX_HISTORIES = 10;
/** Between what two steps of a round draw from. */
const STEP_SEED = 7_919;

/**
 * A storm that goes on in rounds, until its time is over, an invariant is broken, or the signal fires. A round that the signal cuts off
 * counts for nothing.
 */
export async function runRounds<T extends SystemTypes>(
  context: Context<T>,
  site: StormSite<T>,
  trial: RoundsTrial,
  options: Omit<StormOptions<T>, 'plan' | 'faults' | 'maxConcurrency'> & {
    readonly maxConcurrency: number | undefined;
  },
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
  site.workers.keepSpares(rounds.faults.flatMap(kindsOf).includes('kill-caller') ? 1 : 0);
  const tally = new Tally(system, resolveTrial(system, trial).flow.deadlineMs);
  const broken: Row[] = [];
  const endsAtMs = performance.now() + rounds.forMs;
  let failed: Pick<Row, 'reason' | 'failure'> = {};
  const goesOn = (): boolean => tally.judged === 0 || nemesis?.owesFaults === true || performance.now() < endsAtMs;
  for (let round = 0; !signal.aborted && goesOn(); round++) {
    const seed = (trial.seed + round) % SEED_COUNT;
    const plan = planCalls(system, { ...trial, seed });
    try {
      const faults = nemesis === undefined ? undefined : planFaults(nemesis, trial, seed, maxWavesOf(plan.calls));
      progress.show(`${trial.scenario}, ${trial.flow} on ${trial.deployment}, round ${round + 1}`);
      const maxConcurrency = options.maxConcurrency ?? Math.max(1, plan.calls.length);
      const given = { ...options, plan, maxConcurrency, ...(faults === undefined ? {} : { faults }) };
      const storm = await runStorm(system, site, trial, given);
      if (storm.isCutOff) break;
      const judgement = judgeStorm(system, storm.run);
      tally.add(storm, judgement.verdict === 'violated', plan.calls.length);
      if (judgement.verdict !== 'violated') continue;
      if (broken.length < MAX_HISTORIES) {
        const roundTrial = {
          ...trial,
          seed,
          rounds: alone(
            rounds,
            storm.steps.map(({ step }) => step),
          ),
        };
        broken.push(await evidence.keep(reportStorm(system, command, roundTrial, plan, storm, judgement), storm.run));
      }
      if (!rounds.goOn) break;
    } catch (error) {
      if (signal.aborted) break;
      const { kind, reason } = toFailure(error, trial.exec !== undefined);
      const found = rounds.faults.length === 0 ? [] : await bringBack(site.set);
      failed = { reason: [`round ${round + 1}: ${reason}`, ...found].join('; '), failure: kind };
      // What a worker is at in a round that failed is not known.
      await site.workers[Symbol.asyncDispose]();
      break;
    }
  }
  return reportRounds(system, command, trial, planCalls(system, trial), tally, { broken, failed, signal });
}

/**
 * After a round that failed: a fault may have been broken off, and a member may have ended by itself, which is more than the error of the round says. The
 * next storm is to have all of them. @returns what was found
 */
const bringBack = async (set: ReplicaSet | undefined): Promise<readonly string[]> =>
  (await set?.bringBack().catch((error: unknown) => [`and then: ${toFailure(error).reason}`])) ?? [];

/** What shows one round again: the same faults in their order, and no more than the round had where it could have had more. */
const alone = ({ maxSteps, ...rounds }: Rounds, steps: readonly FaultStep[]): Rounds => ({
  ...rounds,
  ...(maxSteps === undefined ? {} : { forMs: steps.length * rounds.everyMs }),
  faults: steps,
});

/** @param maxSteps so many waves the calls can come in @returns `undefined` where nothing is due */
function planFaults(
  nemesis: Nemesis,
  { rounds: { everyMs, roundMs } }: RoundsTrial,
  seed: number,
  maxSteps: number,
): PlannedFaults | undefined {
  const steps = Math.min(nemesis.stepsOfRound(), maxSteps);
  return steps === 0
    ? undefined
    : {
        nemesis,
        steps,
        everyMs,
        maxMs: roundMs,
        randomOf: (step) => seededRandom((seed + step * STEP_SEED) % SEED_COUNT),
      };
}
