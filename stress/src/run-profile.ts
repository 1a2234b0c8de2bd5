import { MongoClient } from 'mongodb';
import type { StressOptions } from './command-line.ts';
import type { PlannedRun } from './profile.ts';
import type { Progress } from './report/progress.ts';
import { latencyByOutcome, noStorm, type RunResult } from './report/run-result.ts';
import { seededRandom } from './seeded-random.ts';
import { runStorm, type StormResult } from './storm/run-storm.ts';
import { Workers } from './storm/workers.ts';
import { choiceOf, subjectOptions } from './subjects/index.ts';
import { whyEnded } from './why-ended.ts';

const SERVER_SELECTION_MS = 5_000;

/** Runs one row after the other, until all are done or the signal fires; rows that were not run come out `unknown`. */
export async function runProfile(
  uri: string,
  runs: readonly PlannedRun[],
  options: StressOptions,
  signal: AbortSignal,
  progress: Progress,
): Promise<RunResult[]> {
  const client = new MongoClient(uri, { appName: 'rotation-stress', serverSelectionTimeoutMS: SERVER_SELECTION_MS });
  await using workers = new Workers();
  try {
    const results: RunResult[] = [];
    for (const [index, run] of runs.entries()) {
      const { scenario, subject, adapter, processes } = run;
      progress.show(
        `[${index + 1}/${runs.length}] ${scenario.name}, ${subject.name} on ${adapter}, ${processes} ${processes === 1 ? 'process' : 'processes'}`,
      );
      results.push(await runRow(client, uri, workers, run, options, signal));
    }
    return results;
  } finally {
    progress.clear();
    await client.close();
  }
}

async function runRow(
  client: MongoClient,
  uri: string,
  workers: Workers,
  run: PlannedRun,
  options: StressOptions,
  signal: AbortSignal,
): Promise<RunResult> {
  const { scenario, subject, adapter, processes } = run;
  const plan = scenario.plan(options, seededRandom(options.seed));
  const concurrency = options.concurrency ?? subject.concurrency ?? Math.max(1, plan.calls.length);
  const row = {
    scenario: scenario.name,
    subject: subject.name,
    adapter,
    processes,
    callers: plan.calls.length,
    expected: run.expected,
    reproduce: reproduce(run, options),
  };
  if (signal.aborted) return { ...row, ...notRun, reason: 'not run' };
  try {
    const storm = await runStorm(client, uri, workers, {
      plan,
      subject: choiceOf(subject),
      adapter,
      processes,
      concurrency,
      signal,
    });
    return { ...row, ...toResult(storm) };
  } catch (error) {
    if (!signal.aborted) throw error;
    return { ...row, ...notRun, reason: whyEnded(signal) };
  }
}

const notRun = { ...noStorm, verdict: 'unknown' } as const;

function toResult(storm: StormResult): Omit<RunResult, keyof PlannedRun | 'callers' | 'reproduce'> {
  const { verdict, violations, contention, history, statesBetween, durationMs, backupsUsed, backupsWasted } = storm;
  return {
    verdict,
    ...(verdict === 'unknown' ? { reason: 'nothing raced' } : {}),
    outcomes: latencyByOutcome(history.operations),
    backupsUsed,
    backupsWasted,
    contention,
    violations,
    statesBetween,
    durationMs,
  };
}

function reproduce({ scenario, subject, adapter, processes }: PlannedRun, options: StressOptions): string {
  const sizes = (['callers', 'keys', 'backups', 'concurrency'] as const).flatMap((name) =>
    options[name] === undefined ? [] : [`--${name} ${options[name]}`],
  );
  return [
    `pnpm stress --scenario ${scenario.name} ${subjectOptions(subject)} --adapter ${adapter} --processes ${processes}`,
    ...sizes,
    `--seed ${options.seed}`,
  ].join(' ');
}
