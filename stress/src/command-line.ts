import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { closest } from 'fastest-levenshtein';
import { providerNames, type ProviderName } from 'mongo-replica-set';
import { adapters } from './adapters.ts';
import { scenarios } from './scenarios/index.ts';
import { knownBad, references, subjects } from './subjects/index.ts';

export interface StressOptions {
  readonly scenario?: string;
  readonly subject?: string;
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
const COUNT_MAX = 1_000_000;
const PROCESSES_MAX = 100;
const MEMBERS_MAX = 7;
/** A timer holds no more than 2^31 - 1 milliseconds; it would fire at once. */
const TIME_LIMIT_MAX_SECONDS = 2_147_483;

const examples = `
Examples:
  $ pnpm stress                                       the default profile: every row must come out as it must
  $ pnpm stress --adapter keypool --scenario scarce   a part of it
  $ pnpm stress --subject checked-claim --callers 50  a known-bad flow, smaller
  $ MONGODB_URI=mongodb://127.0.0.1/?replicaSet=rs0 pnpm stress --json >result.json

Exit codes: 0 as it must be, 1 a promise broken or a known-bad flow not caught, 2 nothing proven (nothing raced, time limit),
64 usage, 69 no MongoDB, 70 internal error, 130 interrupted.`;

/** @throws CommanderError: its `exitCode` is 0 when help was asked for; what is wrong was printed already. */
export function parseCommandLine(argv: readonly string[]): StressOptions {
  const named = (flag: string, text: string, names: Iterable<string>): Option =>
    new Option(flag, text).argParser(oneOf([...names])).env(environmentName(flag));
  const counted = (flag: string, text: string, { min = 1, max = COUNT_MAX } = {}): Option =>
    new Option(flag, text).argParser(wholeNumber(min, max)).env(environmentName(flag));

  const program = new Command('pnpm stress')
    .description('Fires storms of concurrent rotations at a real replica set, and judges what is left by the promises.')
    .addOption(named('--scenario <name>', listed('what happens', scenarios.values()), scenarios.keys()))
    .addOption(named('--subject <name>', listed('the flow under test', [...references, ...knownBad]), subjects.keys()))
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
    .addOption(
      counted('--time-limit <seconds>', 'runs that have not ended by then are unknown', {
        max: TIME_LIMIT_MAX_SECONDS,
      }).default(600),
    )
    .addOption(
      named(
        '--provider <name>',
        `where MongoDB comes from: ${providerNames.join(', ')} (default: the first that works)`,
        providerNames,
      ),
    )
    .addOption(
      counted('--members <count>', 'members of the replica set that is started', { max: MEMBERS_MAX }).default(3),
    )
    .addOption(new Option('--store <folder>', 'where results are kept').default('store').env('ROTATION_STORE'))
    .addOption(new Option('--json', 'print the result as JSON on standard output, and nothing else').default(false))
    .addOption(new Option('-q, --quiet', 'no progress').default(false))
    .addHelpText('after', examples)
    .allowExcessArguments(false)
    .exitOverride();
  program.parse([...argv], { from: 'user' });
  return { seed: Math.floor(Math.random() * SEED_COUNT), ...program.opts<Omit<StressOptions, 'seed'>>() };
}

export const isUsageError = (error: unknown): error is CommanderError => error instanceof CommanderError;

/** `--time-limit <seconds>` can also be given as ROTATION_TIME_LIMIT. */
const environmentName = (flag: string): string =>
  `ROTATION_${flag.replace(/^--/, '').replace(/ .*$/, '').replaceAll('-', '_').toUpperCase()}`;

const listed = (text: string, items: Iterable<{ readonly name: string; readonly about: string }>): string =>
  `${text}:\n${[...items].map(({ name, about }) => `  ${name}: ${about}`).join('\n')}`;

const wholeNumber =
  (min: number, max: number) =>
  (text: string): number => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < min || value > max)
      throw new InvalidArgumentError(`Expected a whole number from ${min} to ${max}.`);
    return value;
  };

const oneOf =
  (names: readonly string[]) =>
  (text: string): string => {
    if (names.includes(text)) return text;
    throw new InvalidArgumentError(`Did you mean ${closest(text, names)}? There are: ${names.join(', ')}.`);
  };
