import { formatRun, InterleaveError } from 'mongo-interleave';
import { exitCodes, type ExitCode } from '../exit-codes.ts';
import { closedBy } from '../explore/closed-by.ts';
import type { ReplayOptions } from '../explore/command-line.ts';
import { violationsOf } from '../explore/explore-race.ts';
import { openRace } from '../explore/open-race.ts';
import { callersIn, misfitOf, planOne } from '../explore/plan-explorations.ts';
import { promiseTexts } from '../checker/violation.ts';
import { complain, say } from '../report/say.ts';
import { exploringSet, saySet, startSet, type CommandContext } from './context.ts';

/** One schedule again, to the letter. */
export async function replay(options: ReplayOptions, context: CommandContext): Promise<ExitCode> {
  try {
    const planned = planOne({ callers: callersIn(options.token, options.scenario), ...options });
    const misfit = misfitOf(planned);
    if (misfit !== undefined) {
      complain(`error: ${misfit}`);
      return exitCodes.usage;
    }
    await using set = await startSet({ ...options, ...exploringSet }, context);
    saySet(set);
    await using open = await openRace(set.uri, planned);
    const { interleaving } = open;
    const result = await closedBy(context.signal, interleaving, () => interleaving.run(options.token));
    say(formatRun(result));
    const violations = violationsOf(result);
    for (const { promise, sentence } of violations) say(`${promise} (${promiseTexts[promise]}): ${sentence}`);
    return violations.length === 0 ? exitCodes.valid : exitCodes.violated;
  } catch (error) {
    if (!(error instanceof InterleaveError)) throw error;
    if (context.signal.aborted) return context.interrupted.aborted ? exitCodes.interrupted : exitCodes.unknown;
    const isUsage = error.code === 'invalid-token' || error.code === 'nothing-held';
    if (!isUsage && error.code !== 'diverged') throw error;
    complain(`${isUsage ? 'error' : 'This flow no longer goes that way'}: ${error.message}`);
    return isUsage ? exitCodes.usage : exitCodes.unknown;
  }
}
