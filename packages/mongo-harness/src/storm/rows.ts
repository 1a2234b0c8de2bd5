import { openWire } from 'mongo-interleave/gate';
import type { ReplicaSet } from 'mongo-test-replica-set';
import { MongoClient } from 'mongodb';
import type { Context } from '../report/context.ts';
import type { Row } from '../report/row.ts';
import { runRows } from '../report/run-rows.ts';
import { whyEnded } from '../report/why-ended.ts';
import type { SystemTypes } from '../system/system-types.ts';
import { resolveTrial } from '../trial/resolve-trial.ts';
import { kindsOf, STORM_FAULTS } from '../system/storm-fault.ts';
import type { StormTrial } from '../trial/trial.ts';
import { judgeStorm } from './judge.ts';
import { planCalls } from './plan.ts';
import { reportNoStorm, reportStorm } from './report.ts';
import { runRounds } from './rounds.ts';
import { runStorm, type StormSite } from './run.ts';
import { Workers } from './workers.ts';

const MAX_SERVER_SELECTION_MS = 5_000;

/**
 * Runs one storm after the other, until all are over or the signal fires; the rows of the others are `unknown`.
 *
 * @param site its set is needed by trials with faults
 */
export async function runStorms<T extends SystemTypes>(
  context: Context<T>,
  { uri, set }: { readonly uri: string; readonly set?: ReplicaSet },
  trials: readonly StormTrial[],
): Promise<Row[]> {
  const { system, module, command, signal, progress } = context;
  const client = new MongoClient(uri, {
    appName: `${system.name}-stress`,
    serverSelectionTimeoutMS: MAX_SERVER_SELECTION_MS,
  });
  await using workers = new Workers<T>(module);
  try {
    return await runRows(trials, {
      signal,
      run: async (trial, index) => {
        const { scenario, flow, deployment, processes } = trial;
        const named = `${processes} ${processes === 1 ? 'process' : 'processes'}`;
        progress.show(`[${index + 1}/${trials.length}] ${scenario}, ${flow} on ${deployment}, ${named}`);
        try {
          return await runRow(context, { client, uri, workers, ...(set === undefined ? {} : { set }) }, trial);
        } catch (error) {
          // What a worker is at in a storm that failed is not known.
          await workers[Symbol.asyncDispose]();
          throw error;
        }
      },
      report: (trial, why) => reportNoStorm(system, command, trial, planCalls(system, trial), why),
    });
  } finally {
    progress.clear();
    await client.close();
  }
}

async function runRow<T extends SystemTypes>(context: Context<T>, site: StormSite<T>, trial: StormTrial): Promise<Row> {
  const { system, command, signal, evidence } = context;
  const { flow, judged } = resolveTrial(system, trial);
  const maxConcurrency = trial.maxConcurrency ?? flow.maxConcurrency;
  const options = {
    processes: trial.processes,
    isConcurrencyChosen: trial.maxConcurrency !== undefined,
    judged,
    signal,
  };
  const { rounds } = trial;
  if (rounds !== undefined) {
    const run = (over: StormSite<T>): Promise<Row> =>
      runRounds(context, over, { ...trial, rounds }, { ...options, maxConcurrency });
    return rounds.faults.flatMap(kindsOf).some((fault) => STORM_FAULTS[fault].needsWire)
      ? await overWire(site, run)
      : await run(site);
  }
  const plan = planCalls(system, trial);
  const storm = await runStorm(system, site, trial, {
    ...options,
    plan,
    maxConcurrency: maxConcurrency ?? Math.max(1, plan.calls.length),
  });
  const cutOff = storm.isCutOff ? whyEnded(signal) : undefined;
  const judgement = judgeStorm(system, storm.run, cutOff);
  return await evidence.keep(reportStorm(system, command, trial, plan, storm, judgement), storm.run, cutOff);
}

/** Callers come over a wire that can be disturbed; the harness itself does not. */
async function overWire<T extends SystemTypes>(
  site: StormSite<T>,
  run: (over: StormSite<T>) => Promise<Row>,
): Promise<Row> {
  const { set, uri, workers } = site;
  if (set === undefined) throw new TypeError('a wire needs a set');
  await using wire = await openWire(set.members);
  const hosts = wire.addresses.map(({ host, port }) => `${host}:${port}`).join(',');
  try {
    return await run({ ...site, wire, uri: uri.replace(/\/\/[^/]*/, `//${hosts}`) });
  } finally {
    // Workers keep their connections for the next storm, which has another wire or none.
    await workers[Symbol.asyncDispose]();
  }
}
