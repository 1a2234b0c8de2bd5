import { Command } from 'commander';
import { FAULT_KINDS } from 'mongo-interleave';
import { expectToFit } from '../explore/gated-scenario.ts';
import { planExplorations } from '../explore/plan.ts';
import { runExplorations } from '../explore/rows.ts';
import { formatExplored } from '../report/explored.ts';
import { say } from '../report/say.ts';
import type { System } from '../system/system.ts';
import type { SystemTypes } from '../system/system-types.ts';
import { resolveTrial } from '../trial/resolve-trial.ts';
import type { ExplorationTrial, Selection } from '../trial/trial.ts';
import { saySet, type CommandContext } from './context.ts';
import { startExploringSets } from './exploring-sets.ts';
import { EXIT_CODES_OF_ALL, type ExitCode } from './exit-codes.ts';
import { finish } from './finish.ts';
import { givenParts, type CommonOptions, type Options, type OutputOptions } from './options.ts';

export interface ExploreOptions extends CommonOptions, OutputOptions, Selection<ExplorationTrial> {
  readonly maxViolations?: number;
  readonly store: string;
}

/** A token has a letter for each client, and one client may be the operator's. */
const MAX_CALLERS = 25;

export function exploreCommand<T extends SystemTypes>(
  system: System<T>,
  command: string,
  options: Options<T>,
  chosen: (options: ExploreOptions) => void,
): Command {
  const program = new Command('explore').description(
    'Runs every interleaving of the commands of a few callers, up to equivalence, and checks each.',
  );
  explorationOptions(program, options)
    .addOption(
      options.several(
        '--faults <kinds>',
        `at most one of these faults in each run, at any command of the first client of each service (error needs enableTestCommands; the step-downs run on a set of three members): ${FAULT_KINDS.join(', ')}`,
        FAULT_KINDS,
      ),
    )
    .addOption(
      options.counted(
        '--max-preemptions <count>',
        'at most this many switches away from a client that still had a command ready (default: no limit)',
        { min: 0 },
      ),
    )
    .addOption(
      options.counted('--max-violations <count>', 'end a row after this many violated classes (default: no limit)'),
    );
  return options
    .output(options.store(program))
    .addHelpText('after', helpOf(system, command))
    .action((given: ExploreOptions) => chosen(given));
}

/** The options that `explore` and `replay` share. */
export const explorationOptions = <T extends SystemTypes>(command: Command, options: Options<T>): Command =>
  options
    .common(
      options.trial(command, 'gated').addOption(
        options.counted('--callers <count>', 'callers, each in a client of its own that stands for a process', {
          max: MAX_CALLERS,
        }),
      ),
    )
    .allowExcessArguments(false);

function helpOf<T extends SystemTypes>({ flows, deployments }: System<T>, command: string): string {
  const mutant = flows.find(({ expected }) => expected === 'violated')?.name ?? flows[0].name;
  return `
Examples:
  $ ${command} explore                              the default rows: each flow where it says
  $ ${command} explore --flow ${mutant} --callers 3    a part of them, or a row that they do not have
  $ ${command} explore --deployment ${deployments[0].name} --max-violations 1
  $ ${command} explore --flow ${mutant} --faults crash,lost-reply   one fault at each command, with a rival
  $ ${command} explore --flow ${flows[0].name} --faults step-down,step-down-after   a failover at each command

Exit codes: 0 every row as it must be, 1 an invariant broken or a mutant not caught, 2 nothing proven (--max-duration),
${EXIT_CODES_OF_ALL}`;
}

/** Every interleaving of a few callers; a row is shown as soon as it is over. */
export async function explore<T extends SystemTypes>(
  options: ExploreOptions,
  context: CommandContext<T>,
): Promise<ExitCode> {
  const { system } = context;
  const { maxViolations = Infinity, store, json } = options;
  const planned = planExplorations(system, selectionOf(options));
  for (const trial of planned) expectToFit(resolveTrial(system, trial));
  await using sets = await startExploringSets(options, planned, context);
  const { set, trials } = sets;
  if (!json) saySet(set);
  const left = planned.length - trials.length;
  if (left > 0 && !json)
    say(`${left} ${left === 1 ? 'row' : 'rows'} with step-downs left out: this set is not disturbed.`);
  const rows = await runExplorations(context, sets.uriOf, trials, {
    maxViolations,
    store,
    onRow: (row) => {
      if (!json) say(formatExplored(row, system.invariants));
    },
  });
  return await finish(set, context, rows, options);
}

/** The part of a command's options that names trials. */
export function selectionOf(options: Selection<ExplorationTrial>): Selection<ExplorationTrial> {
  const { flow, exec, execFresh, scenario, deployment, judged, callers, faults, maxPreemptions } = options;
  return givenParts<Selection<ExplorationTrial>>({
    flow,
    exec,
    execFresh,
    scenario,
    deployment,
    judged,
    callers,
    faults,
    maxPreemptions,
  });
}
