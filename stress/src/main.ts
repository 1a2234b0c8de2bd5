import { relative } from 'node:path';
import { ReplicaSetError, startReplicaSet, type ReplicaSet } from 'mongo-replica-set';
import { isUsageError, parseCommandLine, type StressOptions } from './command-line.ts';
import { exitCodes, type ExitCode } from './exit-codes.ts';
import { planRuns } from './profile.ts';
import { createProgress, type Progress } from './report/progress.ts';
import { judge, type RunResult } from './report/run-result.ts';
import { storeResult } from './report/store.ts';
import { formatTable } from './report/table.ts';
import { formatFindings } from './report/violations.ts';
import { runProfile } from './run-profile.ts';

const MS_PER_SECOND = 1_000;

async function main(argv: readonly string[]): Promise<ExitCode> {
  let options: StressOptions;
  try {
    options = parseCommandLine(argv);
  } catch (error) {
    if (!isUsageError(error)) throw error;
    return error.exitCode === 0 ? exitCodes.valid : exitCodes.usage;
  }
  const interrupted = new AbortController();
  const interrupt = (): void => interrupted.abort(new Error('interrupted'));
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  const signal = AbortSignal.any([interrupted.signal, AbortSignal.timeout(options.timeLimit * MS_PER_SECOND)]);

  const progress = createProgress(!options.quiet && !options.json);
  let replicaSet: ReplicaSet;
  try {
    replicaSet = await start(options, signal, progress);
  } catch (error) {
    progress.clear();
    if (interrupted.signal.aborted) return exitCodes.interrupted;
    if (!(error instanceof ReplicaSetError)) throw error;
    complain(error.message);
    return signal.aborted ? exitCodes.unknown : exitCodes.noMongoDB;
  }
  await using set = replicaSet;
  return await stress(set, options, signal, interrupted.signal, progress);
}

async function start(options: StressOptions, signal: AbortSignal, progress: Progress): Promise<ReplicaSet> {
  progress.show('starting MongoDB');
  const set = await startReplicaSet({
    members: options.members,
    signal,
    endOnInterrupt: false,
    onEvent: (event) => progress.show(`starting MongoDB: ${event.provider}`),
    ...(options.provider === undefined ? {} : { provider: options.provider }),
  });
  progress.clear();
  if (!options.json) {
    for (const { provider, reason } of set.passedOver) say(`MongoDB not from ${provider}: ${reason}`);
    say(
      `MongoDB ${set.serverVersion} from ${set.provider}, ${set.members.length} members, data on ${set.storage}; seed ${options.seed}\n`,
    );
  }
  return set;
}

async function stress(
  set: ReplicaSet,
  options: StressOptions,
  signal: AbortSignal,
  interrupted: AbortSignal,
  progress: Progress,
): Promise<ExitCode> {
  const startedAt = new Date().toISOString();
  const runs = await runProfile(set.uri, planRuns(options), options, signal, progress);
  const exitCode = interrupted.aborted ? exitCodes.interrupted : exitCodeOf(runs);
  const { serverVersion: version, provider, storage, members } = set;
  const result = {
    version: 1 as const,
    startedAt,
    seed: options.seed,
    server: { version, provider, storage, members: members.length },
    exitCode,
    runs,
  };
  const file = await storeResult(options.store, result);
  if (options.json) {
    say(JSON.stringify(result, undefined, 2));
    return exitCode;
  }
  const count = (judgement: ReturnType<typeof judge>): number => runs.filter((run) => judge(run) === judgement).length;
  const unknown = count('unknown');
  say(formatTable(runs));
  say(`\n${formatFindings(runs)}`);
  say(`\nresult: ${relative('', file)}`);
  say(`${count('passed')} passed, ${count('failed')} failed${unknown === 0 ? '' : `, ${unknown} unknown`}`);
  return exitCode;
}

function exitCodeOf(runs: readonly RunResult[]): ExitCode {
  const judgements = new Set(runs.map(judge));
  if (judgements.has('failed')) return exitCodes.violated;
  return judgements.has('unknown') ? exitCodes.unknown : exitCodes.valid;
}

const say = (text: string): void => {
  process.stdout.write(`${text}\n`);
};
const complain = (text: string): void => {
  process.stderr.write(`${text}\n`);
};

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  complain(`internal error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  process.exitCode = exitCodes.internal;
}
