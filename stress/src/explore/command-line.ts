import { Command } from 'commander';
import { faultKinds, type FaultKind } from 'mongo-interleave';
import type { ProviderName } from 'mongo-replica-set';
import { adapters } from '../adapters.ts';
import {
  counted,
  execOption,
  jsonOption,
  listed,
  named,
  providerOption,
  several,
  quietOption,
  storeOption,
  timeLimitOption,
} from '../command-options.ts';
import { knownBad, references, subjects } from '../subjects/index.ts';
import { pairScenarios } from './scenarios/index.ts';

/** What both commands can be told; an absent part means the default. */
interface RaceChoice {
  readonly scenario?: string;
  readonly subject?: string;
  readonly exec?: string;
  readonly adapter?: string;
  readonly callers?: number;
  /** Seconds. */
  readonly timeLimit: number;
  readonly provider?: ProviderName;
}

export interface ExploreOptions extends RaceChoice {
  readonly faults?: readonly FaultKind[];
  readonly preemptionLimit?: number;
  readonly violationLimit?: number;
  readonly store: string;
  readonly json: boolean;
  readonly quiet: boolean;
}

export interface ReplayOptions extends RaceChoice {
  readonly token: string;
}

/** A token has a letter for each client, and one may be the operator's. */
const CALLERS_MAX = 25;

const exploreExamples = `
Examples:
  $ pnpm stress explore                                        the reference and each known-bad flow, as in pnpm stress
  $ pnpm stress explore --subject checked-claim --callers 3    a part of it, or a row that it does not have
  $ pnpm stress explore --scenario chain --adapter openhands --violation-limit 1
  $ pnpm stress explore --subject naive --faults crash,lost-reply   one fault at each command, with a rival
  $ pnpm stress explore --exec 'python3 rotate.py'             your own flow, in any language (docs/any-language.md)

Exit codes: 0 as it must be, 1 a promise broken or a known-bad flow not caught, 2 nothing proven (time limit),
64 usage, 69 no MongoDB, 70 internal error, 130 interrupted.`;

export function exploreCommand(chosen: (options: ExploreOptions) => void): Command {
  return withRace(new Command('explore'))
    .description('Runs every interleaving of the commands of a few callers, up to equivalence, and judges each.')
    .addOption(
      several(
        '--faults <kinds>',
        `what goes wrong, once in each run, at any command of the first client of each service (error needs enableTestCommands): ${faultKinds.join(', ')}`,
        faultKinds,
      ),
    )
    .addOption(
      counted('--preemption-limit <count>', 'how often at most another client goes on (default: no limit)', { min: 0 }),
    )
    .addOption(counted('--violation-limit <count>', 'end a row after this many violated classes (default: go on)'))
    .addOption(storeOption())
    .addOption(jsonOption())
    .addOption(quietOption())
    .addHelpText('after', exploreExamples)
    .action((options: ExploreOptions) => chosen(options));
}

const replayExamples = `
Examples:
  $ pnpm stress replay v1:ABABAAABB --subject checked-claim
  $ pnpm stress replay v1:AABBAABB --subject reference --scenario chain --adapter openhands

Exit codes: 0 no promise was broken, 1 one was, 2 the schedule can't be followed: the flow sends other commands now,
64 usage, 69 no MongoDB, 70 internal error, 130 interrupted.`;

export function replayCommand(chosen: (options: ReplayOptions) => void): Command {
  return withRace(new Command('replay'))
    .description('Runs one schedule again, to the letter; prints its steps and what it broke.')
    .argument('<token>', 'as explore printed it')
    .addHelpText('after', replayExamples)
    .action((token: string, options: Omit<ReplayOptions, 'token'>) => chosen({ ...options, token }));
}

function withRace(command: Command): Command {
  return command
    .addOption(named('--scenario <name>', listed('what happens', pairScenarios.values()), pairScenarios.keys()))
    .addOption(named('--subject <name>', listed('the flow under test', [...references, ...knownBad]), subjects.keys()))
    .addOption(execOption())
    .addOption(named('--adapter <name>', `through which pool: ${[...adapters.keys()].join(', ')}`, adapters.keys()))
    .addOption(
      counted('--callers <count>', 'callers, each in a client of its own that stands for a process', {
        max: CALLERS_MAX,
      }),
    )
    .addOption(timeLimitOption())
    .addOption(providerOption())
    .allowExcessArguments(false);
}
