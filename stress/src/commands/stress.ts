import { ReplicaSetError } from 'mongo-replica-set';
import type { StressOptions } from '../command-line.ts';
import type { ExitCode } from '../exit-codes.ts';
import { planExplorations } from '../explore/plan-explorations.ts';
import { runExplorations } from '../explore/run-explorations.ts';
import { planRuns } from '../profile.ts';
import type { RunResult } from '../report/run-result.ts';
import { complain, say } from '../report/say.ts';
import { formatTable } from '../report/table.ts';
import { formatFindings } from '../report/violations.ts';
import { runProfile } from '../run-profile.ts';
import { exploringSet, saySet, startSet, type CommandContext } from './context.ts';
import { finish } from './finish.ts';

/** Storms, and then every interleaving of a few callers. */
export async function stress(options: StressOptions, context: CommandContext): Promise<ExitCode> {
  await using set = await startSet(options, context);
  if (!options.json) saySet(set, `; seed ${options.seed}`);
  const startedAt = new Date().toISOString();
  const storms = await runProfile(set.uri, planRuns(options), options, context.signal, context.progress);
  const runs = [...storms, ...(await explorations(options, context))];
  const { seed } = options;
  return await finish({ set, interrupted: context.interrupted, show, startedAt, seed, runs }, options);
}

/** What is said of storms alone leaves no room for them. */
const storming = ['scenario', 'processes', 'callers', 'keys', 'backups', 'concurrency'] as const;

async function explorations(options: StressOptions, context: CommandContext): Promise<RunResult[]> {
  if (storming.some((name) => options[name] !== undefined)) return [];
  const rows = planExplorations(options);
  const limits = { violationLimit: 1, store: options.store };
  const notRun = (): Promise<RunResult[]> =>
    runExplorations('', rows, limits, { ...context, signal: AbortSignal.abort() });
  if (context.signal.aborted) return notRun();
  try {
    await using set = await startSet({ ...options, ...exploringSet }, context);
    return await runExplorations(set.uri, rows, limits, context);
  } catch (error) {
    // What the storms have shown is not to be lost.
    if (!(error instanceof ReplicaSetError)) throw error;
    complain(error.message);
    return notRun();
  }
}

function show(runs: readonly RunResult[]): void {
  say(formatTable(runs));
  say(`\n${formatFindings(runs)}`);
}
