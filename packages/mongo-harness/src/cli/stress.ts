import { Command, InvalidArgumentError, Option } from 'commander';
import { ReplicaSetError, type ReplicaSet } from 'mongo-test-replica-set';
import { expectToFit } from '../explore/gated-scenario.ts';
import { planExplorations } from '../explore/plan.ts';
import { reportNoExploration } from '../explore/report.ts';
import { runExplorations } from '../explore/rows.ts';
import { AFTERMATH } from '../system/aftermath.ts';
import { formatFindings } from '../report/findings.ts';
import { formatRounds } from '../report/rounds.ts';
import type { Row } from '../report/row.ts';
import { complain, say } from '../report/say.ts';
import { formatTable } from '../report/table.ts';
import { planStorms } from '../storm/plan.ts';
import { runStorms } from '../storm/rows.ts';
import type { SizeOption } from '../system/scenario.ts';
import type { System } from '../system/system.ts';
import type { SystemTypes } from '../system/system-types.ts';
import { resolveTrial } from '../trial/resolve-trial.ts';
import { formatDuration } from '../trial/duration.ts';
import {
  canBeginTogether,
  kindsOf,
  STORM_FAULT_NAMES,
  STORM_FAULTS,
  type FaultStep,
  type StormFault,
} from '../system/storm-fault.ts';
import {
  DEFAULT_ROUND_MS,
  type ExplorationTrial,
  type Rounds,
  type Selection,
  type StormTrial,
} from '../trial/trial.ts';
import { UsageError } from '../trial/usage-error.ts';
import { neverDisturbed, saySet, startSet, type CommandContext } from './context.ts';
import { startExploringSets, withoutFailovers } from './exploring-sets.ts';
import { EXIT_CODES_OF_ALL, type ExitCode } from './exit-codes.ts';
import { finish } from './finish.ts';
import {
  givenParts,
  LIMITED_WITHOUT_FOR,
  oneOf,
  UNLIMITED,
  type CommonOptions,
  type Options,
  type OutputOptions,
} from './options.ts';

export interface StressOptions extends CommonOptions, OutputOptions {
  /** What the user asked for. */
  readonly selection: Selection<StormTrial>;
  readonly seed: number;
  readonly members: number;
  readonly store: string;
}

const SEED_COUNT = 2 ** 31;
const MAX_PROCESSES = 100;
const MAX_MEMBERS = 7;
const DEFAULT_MEMBERS = 3;

/** The options as commander gives them, with one for each size of the scenarios. */
type Given = CommonOptions &
  OutputOptions &
  Omit<Selection<StormTrial>, 'size' | 'rounds'> & {
    members: number;
    store: string;
    callers?: number;
    for?: number;
    fault?: FaultStep[];
    every?: number;
    round?: number;
    goOn?: boolean;
  } & Record<string, unknown>;

export function stressCommand<T extends SystemTypes>(
  system: System<T>,
  command: string,
  options: Options<T>,
  chosen: (options: StressOptions) => void,
): Command {
  const sizes = sizesOf(system);
  const program = new Command(command)
    .usage('[options] [command]')
    .description(
      `Fires storms of concurrent calls at a real replica set, runs every interleaving of a few, and checks what is left by the invariants of the system ${system.name}.`,
    );
  options
    .trial(program, 'storm')
    .addOption(
      options.counted('--processes <count>', 'processes that the callers are spread over', { max: MAX_PROCESSES }),
    )
    .addOption(options.counted('--callers <count>', 'callers of a storm'));
  for (const { name, about, min = 1 } of sizes) program.addOption(options.counted(`--${name} <count>`, about, { min }));
  program
    .addOption(
      options.counted(
        '--max-concurrency <count>',
        'at most this many calls at once in each process (default: no limit, or that of the flow)',
      ),
    )
    .addOption(
      options.counted('--seed <number>', 'seed of all random choices (default: random, printed)', {
        min: 0,
        max: SEED_COUNT - 1,
      }),
    );
  roundOptions(program, options);
  options
    .common(program, LIMITED_WITHOUT_FOR)
    .addOption(
      options
        .counted('--members <count>', 'members of the replica set that is started', { max: MAX_MEMBERS })
        .default(DEFAULT_MEMBERS),
    );
  options.output(options.store(program));
  return program
    .addHelpText('after', helpOf(system, command))
    .allowExcessArguments(false)
    .enablePositionalOptions()
    .exitOverride()
    .action((_command: string | undefined, given: Given, self: Command) => {
      const isUnlimited = given.for !== undefined && self.getOptionValueSource('maxDuration') === 'default';
      const maxDuration = isUnlimited ? UNLIMITED.seconds : given.maxDuration;
      chosen(toStressOptions({ ...given, maxDuration }, sizes));
    });
}

const DEFAULT_FOR_MS = 30_000;
const DEFAULT_EVERY_MS = 3_000;

/** `--for`, `--fault`, `--every`, `--round` and `--go-on`. */
function roundOptions<T extends SystemTypes>(program: Command, options: Options<T>): void {
  const kinds = STORM_FAULT_NAMES.map((name) => `  ${name}: ${STORM_FAULTS[name].about}`).join('\n');
  program
    .addOption(
      options.duration(
        '--for <duration>',
        'each storm goes on in rounds for so long, as in 30s, 5m, 2h, and until each kind of fault had its turn (default: one round; with --fault, 30s)',
      ),
    )
    .addOption(
      options.list(
        '--fault <kinds>',
        `what goes wrong while calls are under way, each in its turn; two that begin together have a + between them, as in kill-secondary+freeze-caller:\n${kinds}`,
        faultStep,
      ),
    )
    .addOption(
      options.duration(
        '--every <duration>',
        `from the begin of a fault to the begin of the next one, unless that one has to be over first (default: ${formatDuration(DEFAULT_EVERY_MS)})`,
      ),
    )
    .addOption(
      options.duration(
        '--round <duration>',
        `from the first fault of a round to its last, at most: a round is judged when it is over (default: ${formatDuration(DEFAULT_ROUND_MS)})`,
      ),
    )
    .addOption(new Option('--go-on', 'with --for: go on after a violation'));
}

/** @returns the names, each known @throws InvalidArgumentError also where they can't begin together */
function faultStep(text: string): string {
  const step = text.split('+').map(oneOf(STORM_FAULT_NAMES)).join('+') as FaultStep;
  if (canBeginTogether(step)) return step;
  throw new InvalidArgumentError(
    'These can not begin together. Two can that disturb different things: members, the wire, commands, processes of callers, calls.',
  );
}

/** Each size once, however many scenarios read it. */
const sizesOf = <T extends SystemTypes>({ scenarios }: System<T>): SizeOption[] => [
  ...new Map(scenarios.flatMap(({ sizes = [] }) => sizes.map((size) => [size.name, size]))).values(),
];

function toStressOptions(
  { maxDuration, provider, json, quiet, members, store, seed = randomSeed(), ...given }: Given,
  sizes: readonly SizeOption[],
): StressOptions {
  const size = Object.fromEntries(
    ['callers', ...sizes.map(({ name }) => name)].flatMap((name) => {
      const count = given[new Option(`--${name}`).attributeName()];
      return typeof count === 'number' ? [[name, count]] : [];
    }),
  );
  const { flow, exec, scenario, deployment, judged, processes, maxConcurrency } = given;
  const selection = {
    flow,
    exec,
    scenario,
    deployment,
    judged,
    processes,
    maxConcurrency,
    rounds: toRounds(given),
  };
  return {
    selection: {
      ...givenParts<Selection<StormTrial>>(selection),
      ...(Object.keys(size).length === 0 ? {} : { size }),
    },
    seed,
    members,
    store,
    maxDuration,
    json,
    quiet,
    ...(provider === undefined ? {} : { provider }),
  };
}

function toRounds({
  for: forMs,
  fault: faults,
  every: everyMs,
  round: roundMs,
  goOn,
}: Pick<Given, 'for' | 'fault' | 'every' | 'round' | 'goOn'>): Rounds | undefined {
  if (forMs === undefined && faults === undefined) {
    if (everyMs !== undefined || roundMs !== undefined || goOn !== undefined)
      throw new UsageError('--every, --round and --go-on are of storms that go on: give --for or --fault.');
    return undefined;
  }
  return {
    forMs: forMs ?? DEFAULT_FOR_MS,
    faults: faults ?? [],
    everyMs: everyMs ?? DEFAULT_EVERY_MS,
    roundMs: roundMs ?? DEFAULT_ROUND_MS,
    goOn: goOn ?? false,
  };
}

const randomSeed = (): number => Math.floor(Math.random() * SEED_COUNT);

function helpOf<T extends SystemTypes>({ flows, deployments, scenarios }: System<T>, command: string): string {
  const [{ name: first }] = flows;
  const scenario = scenarios.find(({ storm }) => storm !== undefined)?.name;
  const place = `--deployment ${deployments[0].name}${scenario === undefined ? '' : ` --scenario ${scenario}`}`;
  const mutant = flows.find(({ expected }) => expected === 'violated')?.name ?? first;
  return `
Examples:
  $ ${command}                        the default rows: each must come out as its flow says
  $ ${command} ${place}   a part of them
  $ ${command} --flow ${mutant} --callers 50   one flow, smaller
  $ ${command} explore --flow ${mutant}        every interleaving of two callers
  $ ${command} --for 5m --fault step-down,kill-primary   storms that go on, with faults
  $ MONGODB_URI=mongodb://127.0.0.1/?replicaSet=rs0 ${command} --json >result.json

The storms are followed by every interleaving of a few callers, unless --scenario, --processes, --for, --fault or a size is given: see ${command} explore --help.

Exit codes: 0 every row as it must be, 1 an invariant broken or a mutant not caught, 2 nothing proven (nothing raced, or --max-duration),
${EXIT_CODES_OF_ALL}`;
}

/** Storms, and then every interleaving of a few callers. */
export async function stress<T extends SystemTypes>(
  options: StressOptions,
  context: CommandContext<T>,
): Promise<ExitCode> {
  const { system, command } = context;
  const { selection, seed, json } = options;
  const trials = planStorms(system, { ...selection, seed });
  // Before the storms, whose results would be lost.
  const explorations = planFurther(system, selection);
  if (trials.length === 0 && explorations.length === 0)
    throw new UsageError('There is nothing to run: no scenario of the system fits what was asked for.');
  expectMembers((selection.rounds?.faults ?? []).flatMap(kindsOf), options.members);
  await using set = await startSet(options, context);
  if (set.provider === 'uri' && (selection.rounds?.faults.length ?? 0) > 0) throw neverDisturbed();
  if (!json) saySet(set, `; seed ${seed}`);
  const invariants = { ...AFTERMATH, ...system.invariants };
  const possible = trials.filter(({ rounds }) => canHave((rounds?.faults ?? []).flatMap(kindsOf), set));
  const left = trials.length - possible.length;
  if (left > 0 && !json)
    say(
      `${left} ${left === 1 ? 'storm' : 'storms'} with faults left out: this set is not disturbed, or has too few members.`,
    );
  const storms = await runStorms(context, { uri: set.uri, set }, possible);
  const further = set.provider === 'uri' ? withoutFailovers(explorations) : explorations;
  const rows = [...storms, ...(await explore(further, options, context, storms.length > 0))];
  return await finish(set, context, rows, options, (folder) => {
    say(formatTable(rows));
    say(`\n${[...formatRounds(rows), formatFindings(rows, { invariants, command, folder })].join('\n')}`);
  });
}

const minMembersOf = (fault: StormFault): number => STORM_FAULTS[fault].minMembers ?? 1;

/** The default rows leave out what a set can't have; what was asked for is refused before. */
const canHave = (faults: readonly StormFault[], { provider, members }: ReplicaSet): boolean =>
  faults.length === 0 || (provider !== 'uri' && faults.every((fault) => members.length >= minMembersOf(fault)));

function expectMembers(faults: readonly StormFault[], members: number): void {
  for (const fault of faults) {
    const minMembers = minMembersOf(fault);
    if (members < minMembers)
      throw new UsageError(`The fault ${fault} needs a set of ${minMembers} members: --members ${minMembers}.`);
  }
}

/** What is said of storms alone leaves no room for explorations. */
const STORMS_ALONE = ['scenario', 'processes', 'size', 'maxConcurrency', 'rounds'] as const;

/** The explorations that follow the storms. @throws UsageError where a flow names one that does not fit */
function planFurther<T extends SystemTypes>(system: System<T>, selection: Selection<StormTrial>): ExplorationTrial[] {
  const isStormAlone = STORMS_ALONE.some((name) => selection[name] !== undefined);
  if (isStormAlone || system.scenarios.every(({ gated }) => gated === undefined)) return [];
  const { flow, exec, deployment, judged } = selection;
  const trials = planExplorations(system, {
    ...(flow === undefined ? {} : { flow }),
    ...(exec === undefined ? {} : { exec }),
    ...(deployment === undefined ? {} : { deployment }),
    ...(judged === undefined ? {} : { judged }),
  });
  for (const trial of trials) expectToFit(resolveTrial(system, trial));
  return trials;
}

async function explore<T extends SystemTypes>(
  trials: readonly ExplorationTrial[],
  options: StressOptions,
  context: CommandContext<T>,
  hasRows: boolean,
): Promise<Row[]> {
  if (trials.length === 0) return [];
  const { system, command, signal } = context;
  const notRun = (): Row[] => trials.map((trial) => reportNoExploration(system, command, trial, { reason: 'not run' }));
  if (signal.aborted) return notRun();
  try {
    await using sets = await startExploringSets(options, trials, context);
    return await runExplorations(context, sets.uriOf, trials, {
      maxViolations: 1,
      store: options.store,
      hasRows,
    });
  } catch (error) {
    // What the storms have shown is not to be lost.
    if (!(error instanceof ReplicaSetError)) throw error;
    complain(error.message);
    return notRun();
  }
}
