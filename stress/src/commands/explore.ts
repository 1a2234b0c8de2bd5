import { exitCodes, type ExitCode } from '../exit-codes.ts';
import type { ExploreOptions } from '../explore/command-line.ts';
import { misfitOf, planExplorations } from '../explore/plan-explorations.ts';
import { runExplorations } from '../explore/run-explorations.ts';
import { formatExplored } from '../report/explored.ts';
import { complain, say } from '../report/say.ts';
import { exploringSet, saySet, startSet, type CommandContext } from './context.ts';
import { finish } from './finish.ts';

/** Every interleaving of a few callers; a row is shown as soon as it is over. */
export async function explore(options: ExploreOptions, context: CommandContext): Promise<ExitCode> {
  const rows = planExplorations(options);
  const misfit = rows.map(misfitOf).find((reason) => reason !== undefined);
  if (misfit !== undefined) {
    complain(`error: ${misfit}`);
    return exitCodes.usage;
  }
  await using set = await startSet({ ...options, ...exploringSet }, context);
  if (!options.json) saySet(set);
  const startedAt = new Date().toISOString();
  const { violationLimit = Infinity, store } = options;
  const runs = await runExplorations(set.uri, rows, { violationLimit, store }, context, (result) => {
    if (!options.json) say(formatExplored(result));
  });
  return await finish({ set, interrupted: context.interrupted, show: () => {}, startedAt, runs }, options);
}
