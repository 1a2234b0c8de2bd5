import { Command } from 'commander';
import type { DetectionRow } from '../detect/detection.ts';
import { detectionTable } from '../detect/report.ts';
import { detectMutants } from '../detect/run.ts';
import { survivorsOf } from '../detect/survivors.ts';
import { say } from '../report/say.ts';
import { isExplored, isMutant } from '../system/flow.ts';
import type { System } from '../system/system.ts';
import type { SystemTypes } from '../system/system-types.ts';
import { UsageError } from '../trial/usage-error.ts';
import { ONE_MEMBER_SET, saySet, startSet, type CommandContext } from './context.ts';
import { EXIT_CODES, EXIT_CODES_OF_ALL, type ExitCode } from './exit-codes.ts';
import type { CommonOptions, Options, OutputOptions } from './options.ts';

export interface CatalogueOptions extends CommonOptions, OutputOptions {
  readonly flow?: string;
  readonly tries: number;
  /** Seconds. */
  readonly budget: number;
  readonly seed: number;
}

const MS_PER_SECOND = 1_000;
/** An exploration has no luck that another try could bring; it may cost more than a try. */
const EXPLORING_BUDGET_FACTOR = 20;
const DEFAULT_TRIES = 5;
const DEFAULT_BUDGET_SECONDS = 2;

export function catalogueCommand<T extends SystemTypes>(
  { flows }: System<T>,
  command: string,
  options: Options<T>,
  chosen: (options: CatalogueOptions) => void,
): Command {
  const program = new Command('catalogue').description(
    'Shows for each mutant how long each way of looking takes to see what is wrong with it.',
  );
  options
    .mutant(program)
    .addOption(
      options.counted('--tries <count>', 'tries of storm, random and PCT; the median is shown').default(DEFAULT_TRIES),
    )
    .addOption(
      options
        .counted('--budget <seconds>', 'a try that has seen nothing by then is given up')
        .default(DEFAULT_BUDGET_SECONDS),
    )
    .addOption(options.counted('--seed <number>', 'seed of all random choices', { min: 0 }).default(1));
  return options
    .output(options.common(program))
    .addHelpText('after', helpOf(command, flows.filter(isMutant).find(isExplored)?.name))
    .allowExcessArguments(false)
    .action((given: CatalogueOptions) => chosen(given));
}

const helpOf = (command: string, mutant: string | undefined): string => `
One line a mutant. A cell has the runs and seconds until an invariant that the mutant names was first seen broken; - where it never was; nothing
where there was nothing to run. Storm, random and PCT are tried several times, and the median is shown; exhaustive and crash grid go the
same way each time.

Examples:
  $ ${command} catalogue${mutant === undefined ? '' : `\n  $ ${command} catalogue --flow ${mutant} --tries 11 --budget 10`}

Exit codes: 0 every mutant was caught, 1 a mutant survived every interleaving and every crash, 2 --max-duration left a mutant untried,
${EXIT_CODES_OF_ALL}`;

/** The detection table; a line is shown as soon as it is complete. */
export async function catalogue<T extends SystemTypes>(
  options: CatalogueOptions,
  context: CommandContext<T>,
): Promise<ExitCode> {
  const { flow: only, tries, budget, seed, json } = options;
  const { system, interrupted } = context;
  const mutants = system.flows
    .filter(isMutant)
    .filter(isExplored)
    .filter(({ name }) => only === undefined || name === only);
  if (mutants.length === 0) throw new UsageError(`The system ${system.name} has no mutants that interleavings show.`);
  await using set = await startSet({ ...options, ...ONE_MEMBER_SET }, context);
  const { heading, line } = detectionTable(mutants.map(({ name }) => name));
  if (!json) {
    saySet(set, `; seed ${seed}`);
    say(heading);
  }
  const budgetMs = budget * MS_PER_SECOND;
  const effort = { tries, budgetMs, exploringBudgetMs: EXPLORING_BUDGET_FACTOR * budgetMs, seed };
  const rows = await detectMutants(context, set.uri, mutants, effort, (row) => {
    if (!json) say(line(row));
  });
  const exitCode = interrupted.aborted ? EXIT_CODES.interrupted : exitCodeOf(rows);
  if (json)
    say(JSON.stringify({ version: 2, seed, tries, budgetSeconds: budget, exitCode, flows: rows }, undefined, 2));
  else saySurvivors(rows);
  return exitCode;
}

function exitCodeOf(rows: readonly DetectionRow[]): ExitCode {
  const { survived, untried } = survivorsOf(rows);
  if (survived.length > 0) return EXIT_CODES.violated;
  return untried.length > 0 ? EXIT_CODES.unknown : EXIT_CODES.valid;
}

function saySurvivors(rows: readonly DetectionRow[]): void {
  const { survived, untried } = survivorsOf(rows);
  const caught = rows.length - survived.length - untried.length;
  say(`\n${caught} of ${rows.length} mutants were caught by the exhaustive exploration or by the crash grid`);
  if (survived.length > 0) say(`survived: ${survived.join(', ')}`);
  if (untried.length > 0) say(`no time was left for: ${untried.join(', ')}`);
}
