import { Command, CommanderError } from 'commander';
import type { ProviderName } from 'mongo-replica-set';
import { adapters } from './adapters.ts';
import { catalogueCommand, type CatalogueOptions } from './catalogue/command-line.ts';
import {
  counted,
  execOption,
  jsonOption,
  listed,
  named,
  oneOf,
  providerOption,
  quietOption,
  storeOption,
  timeLimitOption,
} from './command-options.ts';
import { exploreCommand, replayCommand, type ExploreOptions, type ReplayOptions } from './explore/command-line.ts';
import { scenarios } from './scenarios/index.ts';
import { knownBad, references, subjects } from './subjects/index.ts';

export interface StressOptions {
  readonly scenario?: string;
  readonly subject?: string;
  readonly exec?: string;
  readonly adapter?: string;
  readonly processes?: number;
  readonly callers?: number;
  readonly keys?: number;
  readonly backups?: number;
  readonly concurrency?: number;
  readonly seed: number;
  /** Seconds. */
  readonly timeLimit: number;
  readonly provider?: ProviderName;
  readonly members: number;
  readonly store: string;
  readonly json: boolean;
  readonly quiet: boolean;
}

const SEED_COUNT = 2 ** 31;
const PROCESSES_MAX = 100;
const MEMBERS_MAX = 7;

const examples = `
Examples:
  $ pnpm stress                                       the default profile: every row must come out as it must
  $ pnpm stress --adapter keypool --scenario scarce   a part of it
  $ pnpm stress --subject checked-claim --callers 50  a known-bad flow, smaller
  $ pnpm stress explore --subject checked-claim       every interleaving of two callers
  $ pnpm stress --exec 'python3 rotate.py'            your own flow, in any language (docs/any-language.md)
  $ MONGODB_URI=mongodb://127.0.0.1/?replicaSet=rs0 pnpm stress --json >result.json

After the storms come all interleavings of a few callers, unless --scenario, --processes or a size is given: see pnpm stress explore --help.

Exit codes: 0 as it must be, 1 a promise broken or a known-bad flow not caught, 2 nothing proven (nothing raced, time limit),
64 usage, 69 no MongoDB, 70 internal error, 130 interrupted.`;

/** What is to be done. */
export type CommandLine =
  | { readonly kind: 'stress'; readonly options: StressOptions }
  | { readonly kind: 'explore'; readonly options: ExploreOptions }
  | { readonly kind: 'replay'; readonly options: ReplayOptions }
  | { readonly kind: 'catalogue'; readonly options: CatalogueOptions };

/** @throws CommanderError: its `exitCode` is 0 when help was asked for; what is wrong was printed already. */
export function parseCommandLine(argv: readonly string[]): CommandLine {
  let parsed: CommandLine | undefined;
  const program = stressCommand((options) => {
    parsed = { kind: 'stress', options };
  });
  const commands = [
    exploreCommand((options) => {
      parsed = { kind: 'explore', options };
    }),
    replayCommand((options) => {
      parsed = { kind: 'replay', options };
    }),
    catalogueCommand((options) => {
      parsed = { kind: 'catalogue', options };
    }),
  ];
  for (const command of commands) program.addCommand(command.copyInheritedSettings(program));
  // A word that is none of these would be taken for an argument of the default.
  program.argument('[command]', '', oneOf(commands.map((command) => command.name())));
  program.parse([...argv], { from: 'user' });
  if (parsed === undefined) throw new Error('no command took the command line');
  return parsed;
}

function stressCommand(chosen: (options: StressOptions) => void): Command {
  return new Command('pnpm stress')
    .usage('[options] [command]')
    .description(
      'Fires storms of concurrent rotations at a real replica set, runs every interleaving of a few, and judges what is left by the promises.',
    )
    .addOption(named('--scenario <name>', listed('what happens', scenarios.values()), scenarios.keys()))
    .addOption(named('--subject <name>', listed('the flow under test', [...references, ...knownBad]), subjects.keys()))
    .addOption(execOption())
    .addOption(named('--adapter <name>', `through which pool: ${[...adapters.keys()].join(', ')}`, adapters.keys()))
    .addOption(counted('--processes <count>', 'processes that the callers are spread over', { max: PROCESSES_MAX }))
    .addOption(counted('--callers <count>', 'callers of a run'))
    .addOption(counted('--keys <count>', 'keys of a run that fail'))
    .addOption(counted('--backups <count>', 'free backups at the start of a run', { min: 0 }))
    .addOption(
      counted(
        '--concurrency <count>',
        'callers under way at once in each process (default: all; where nothing is coalesced: 16)',
      ),
    )
    .addOption(
      counted('--seed <number>', 'what chance begins with (default: random, printed)', { min: 0, max: SEED_COUNT - 1 }),
    )
    .addOption(timeLimitOption())
    .addOption(providerOption())
    .addOption(
      counted('--members <count>', 'members of the replica set that is started', { max: MEMBERS_MAX }).default(3),
    )
    .addOption(storeOption())
    .addOption(jsonOption())
    .addOption(quietOption())
    .addHelpText('after', examples)
    .allowExcessArguments(false)
    .enablePositionalOptions()
    .exitOverride()
    .action((_command: string | undefined, options: Omit<StressOptions, 'seed'>) =>
      chosen({ seed: Math.floor(Math.random() * SEED_COUNT), ...options }),
    );
}

export const isUsageError = (error: unknown): error is CommanderError => error instanceof CommanderError;
