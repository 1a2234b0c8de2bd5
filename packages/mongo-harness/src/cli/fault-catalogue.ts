import { Command } from 'commander';
import {
  controlEffort,
  controlsOf,
  detectByFault,
  faultStormsOf,
  judgeFaultRow,
  type FaultRow,
} from '../detect/by-fault.ts';
import { faultTable } from '../detect/fault-report.ts';
import { say } from '../report/say.ts';
import { isMutant } from '../system/flow.ts';
import { STORM_FAULT_NAMES, type StormFault } from '../system/storm-fault.ts';
import type { System } from '../system/system.ts';
import type { SystemTypes } from '../system/system-types.ts';
import { UsageError } from '../trial/usage-error.ts';
import { saySet, startDisturbedSet, type CommandContext } from './context.ts';
import { EXIT_CODES, EXIT_CODES_OF_ALL, exitCodeOf, type ExitCode } from './exit-codes.ts';
import { UNLIMITED, type CommonOptions, type Options, type OutputOptions } from './options.ts';

export interface FaultCatalogueOptions extends CommonOptions, OutputOptions {
  readonly flow?: string;
  readonly fault?: readonly StormFault[];
  readonly tries: number;
  /** Seconds. */
  readonly budget: number;
  readonly seed: number;
  readonly store: string;
}

const MS_PER_SECOND = 1_000;
const DEFAULT_TRIES = 20;
const DEFAULT_BUDGET_SECONDS = 60;

export function faultCatalogueCommand<T extends SystemTypes>(
  system: System<T>,
  command: string,
  options: Options<T>,
  chosen: (options: FaultCatalogueOptions) => void,
): Command {
  const program = new Command('fault-catalogue').description(
    'Shows for each mutant how long storms with a fault take to see what is wrong with it, and that the first flow is right under the same faults.',
  );
  options
    .faultMutant(program)
    .addOption(
      options.several('--fault <kinds>', 'these faults alone (default: all that mutants name)', STORM_FAULT_NAMES),
    )
    .addOption(options.counted('--tries <count>', 'storms for each mutant and fault').default(DEFAULT_TRIES))
    .addOption(
      options
        .counted('--budget <seconds>', 'a storm that has seen nothing by then begins no further round')
        .default(DEFAULT_BUDGET_SECONDS),
    )
    .addOption(options.counted('--seed <number>', 'seed of all random choices', { min: 0 }).default(1));
  return options
    .output(options.store(options.common(program, UNLIMITED)))
    .addHelpText('after', helpOf(command, system))
    .allowExcessArguments(false)
    .action((given: FaultCatalogueOptions) => chosen(given));
}

const helpOf = <T extends SystemTypes>(command: string, { flows }: System<T>): string => {
  const [first] = faultStormsOf(flows.filter(isMutant));
  return `
One line for each mutant and fault. Each storm goes on in rounds, with the fault in each of them, until an invariant is broken; median and
max are the times until the round was judged in which that happened. Then the first flow, which must break nothing, for as long as all mutants with the same fault took.

Examples:
  $ ${command} fault-catalogue${first === undefined ? '' : `\n  $ ${command} fault-catalogue --flow ${first.flow} --fault ${first.place.fault} --tries 3`}

Exit codes: 0 every mutant was caught in each storm and the first flow in none, 1 a mutant was not caught or the first flow was, 2 nothing proven,
${EXIT_CODES_OF_ALL}`;
};

/** The table of faults; a line is shown as soon as it is complete. */
export async function faultCatalogue<T extends SystemTypes>(
  options: FaultCatalogueOptions,
  context: CommandContext<T>,
): Promise<ExitCode> {
  const { flow: only, fault: kinds, tries, budget, seed, json } = options;
  const { system, interrupted, signal } = context;
  const mutants = faultStormsOf(system.flows.filter(isMutant)).filter(
    ({ flow, place }) => (only === undefined || flow === only) && (kinds === undefined || kinds.includes(place.fault)),
  );
  if (mutants.length === 0) throw new UsageError('No mutant of the system names such a storm.');
  const controls = controlsOf(system, mutants);
  await using set = await startDisturbedSet(
    options,
    context,
    mutants.map(({ place }) => place.fault),
  );
  const { heading, line } = faultTable([...mutants, ...controls]);
  if (!json) {
    saySet(set, `; seed ${seed}`);
    say(heading);
  }
  const effort = { tries, budgetMs: budget * MS_PER_SECOND, seed };
  const rows: FaultRow[] = [];
  for (const storm of [...mutants, ...controls]) {
    if (signal.aborted) break;
    const row = await detectByFault(
      context,
      { uri: set.uri, set },
      storm,
      storm.breaks === undefined ? controlEffort(storm, rows, effort) : effort,
    );
    rows.push(row);
    if (!json) say(line(row));
  }
  const isWhole = rows.length === mutants.length + controls.length;
  const exitCode = interrupted.aborted ? EXIT_CODES.interrupted : exitCodeOf(rows.map(judgeFaultRow), isWhole);
  if (json) say(JSON.stringify({ version: 1, seed, tries, budgetSeconds: budget, exitCode, rows }, undefined, 2));
  return exitCode;
}
