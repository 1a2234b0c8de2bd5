import { Command } from 'commander';
import { formatRun, InterleaveError, parseToken } from 'mongo-interleave';
import { ReplicaSetError } from 'mongo-test-replica-set';
import { ProgramError } from '../exec/program-error.ts';
import { closedBy } from '../explore/closed-by.ts';
import { expectToFit, openGatedScenario } from '../explore/gated-scenario.ts';
import { judgeSchedule } from '../explore/judge.ts';
import { callersIn, planExploration } from '../explore/plan.ts';
import { toFailure } from '../report/failure.ts';
import { complain, say } from '../report/say.ts';
import type { System } from '../system/system.ts';
import type { SystemTypes } from '../system/system-types.ts';
import { resolveTrial } from '../trial/resolve-trial.ts';
import { UsageError } from '../trial/usage-error.ts';
import type { ExplorationTrial, Selection } from '../trial/trial.ts';
import { saySet, type CommandContext } from './context.ts';
import { EXIT_CODES, EXIT_CODES_OF_ALL, type ExitCode } from './exit-codes.ts';
import { explorationOptions, selectionOf } from './explore.ts';
import { startReplaySet } from './exploring-sets.ts';
import { sayViolations } from './check.ts';
import type { CommonOptions, Options } from './options.ts';

export interface ReplayOptions extends CommonOptions, Selection<ExplorationTrial> {
  readonly token: string;
}

export function replayCommand<T extends SystemTypes>(
  { flows }: System<T>,
  command: string,
  options: Options<T>,
  chosen: (options: ReplayOptions) => void,
): Command {
  const mutant = flows.find(({ expected }) => expected === 'violated')?.name ?? flows[0].name;
  return explorationOptions(new Command('replay'), options)
    .description('Runs one schedule again, to the letter; prints its steps and the invariants that it broke.')
    .argument('<token>', 'as explore printed it')
    .addHelpText(
      'after',
      `
Examples:
  $ ${command} replay <token> --flow ${mutant}   the other options as explore printed them with the token

Exit codes: 0 no invariant broken, 1 an invariant broken, 2 the schedule can't be followed: the flow sends other commands now,
${EXIT_CODES_OF_ALL}`,
    )
    .action((token: string, given: Omit<ReplayOptions, 'token'>) => chosen({ ...given, token }));
}

/** One schedule again, to the letter. */
export async function replay<T extends SystemTypes>(
  options: ReplayOptions,
  context: CommandContext<T>,
): Promise<ExitCode> {
  const { system, signal, interrupted } = context;
  try {
    const { scenario: name } = planExploration(system, selectionOf(options));
    const selection = { callers: callersIn(system, options.token, name), ...selectionOf(options) };
    const trial = planExploration(system, selection);
    expectToFit(resolveTrial(system, trial));
    const faults = parseToken(options.token).map(({ fault }) => fault);
    await using set = await startReplaySet(options, faults, context);
    saySet(set);
    await using scenario = await openGatedScenario(system, set.uri, trial);
    const { session } = scenario;
    const result = await closedBy(signal, session, () => session.run(options.token));
    say(formatRun(result));
    return sayViolations(system, judgeSchedule<T>(result).violations);
  } catch (error) {
    if (error instanceof UsageError || error instanceof ProgramError || error instanceof ReplicaSetError) throw error;
    if (signal.aborted) return interrupted.aborted ? EXIT_CODES.interrupted : EXIT_CODES.unknown;
    const { kind, reason } = toFailure(error, options.exec !== undefined);
    const isOtherWay = error instanceof InterleaveError && error.code === 'diverged';
    complain(isOtherWay ? `This flow no longer goes that way: ${error.message}` : `error: ${reason}`);
    return kind === 'usage' ? EXIT_CODES.usage : EXIT_CODES.unknown;
  }
}
