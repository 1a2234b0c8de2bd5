import { Command } from 'commander';
import { judgeCell, runCell, type MatrixRow } from '../detect/matrix.ts';
import { matrixTable } from '../detect/matrix-report.ts';
import { say } from '../report/say.ts';
import type { StormFault } from '../system/storm-fault.ts';
import type { System } from '../system/system.ts';
import type { SystemTypes } from '../system/system-types.ts';
import { UsageError } from '../trial/usage-error.ts';
import { saySet, startDisturbedSet, type CommandContext } from './context.ts';
import { EXIT_CODES, EXIT_CODES_OF_ALL, exitCodeOf, type ExitCode } from './exit-codes.ts';
import { UNLIMITED, type CommonOptions, type Options, type OutputOptions } from './options.ts';

export interface MatrixOptions extends CommonOptions, OutputOptions {
  readonly flow?: string;
  readonly fault?: readonly StormFault[];
  /** Seconds. */
  readonly budget: number;
  readonly seed: number;
  readonly store: string;
}

const MS_PER_SECOND = 1_000;
const DEFAULT_BUDGET_SECONDS = 15;

export function matrixCommand<T extends SystemTypes>(
  { matrix, invariants }: System<T>,
  command: string,
  options: Options<T>,
  chosen: (options: MatrixOptions) => void,
): Command {
  const cells = matrix?.cells ?? [];
  const faults = [...new Set(matrix?.storms.map(({ fault }) => fault))];
  const names = cells.map(({ flow }) => flow.name);
  const program = new Command('matrix')
    .description('Shows which invariants hold when callers have other settings: which promise rests on which setting.')
    .addOption(options.named('--flow <name>', `one cell alone: ${names.join(', ')}`, names))
    .addOption(options.several('--fault <kinds>', `storms with these faults alone: ${faults.join(', ')}`, faults))
    .addOption(
      options
        .counted('--budget <seconds>', 'each storm of a cell begins no further round after so long')
        .default(DEFAULT_BUDGET_SECONDS),
    )
    .addOption(options.counted('--seed <number>', 'seed of all random choices', { min: 0 }).default(1));
  return options
    .output(options.store(options.common(program, UNLIMITED)))
    .addHelpText('after', helpOf(command, Object.keys(invariants), names))
    .allowExcessArguments(false)
    .action((given: MatrixOptions) => chosen(given));
}

const helpOf = (command: string, invariants: readonly string[], [first]: readonly string[]): string => `
One line for each cell, which is put through storms with faults. held: the invariant was not seen broken in any round. An invariant is judged where
those before it hold (${invariants.join(', ')}).

Examples:
  $ ${command} matrix${first === undefined ? '' : `\n  $ ${command} matrix --flow ${first} --budget 60`}

Exit codes: 0 every cell as it must be, 1 a cell not as it must be, 2 nothing proven,
${EXIT_CODES_OF_ALL}`;

/** The matrix; a line is shown as soon as it is complete. */
export async function runMatrix<T extends SystemTypes>(
  options: MatrixOptions,
  context: CommandContext<T>,
): Promise<ExitCode> {
  const { flow: only, fault: kinds, budget, seed, json } = options;
  const { system, interrupted, signal } = context;
  const { matrix } = system;
  if (matrix === undefined) throw new UsageError(`The system ${system.name} names no settings to compare.`);
  const cells = matrix.cells.filter(({ flow }) => only === undefined || flow.name === only);
  const storms = matrix.storms.filter(({ fault }) => kinds === undefined || kinds.includes(fault));
  await using set = await startDisturbedSet(
    options,
    context,
    storms.map(({ fault }) => fault),
  );
  const { heading, line } = matrixTable(matrix, Object.keys(system.invariants));
  if (!json) {
    saySet(set, `; seed ${seed}`);
    say(heading);
  }
  const rows: MatrixRow[] = [];
  for (const cell of cells) {
    if (signal.aborted) break;
    const row = await runCell(context, { uri: set.uri, set }, storms, cell, {
      budgetMs: budget * MS_PER_SECOND,
      seed,
    });
    rows.push(row);
    if (!json) say(line(row));
  }
  const exitCode = interrupted.aborted
    ? EXIT_CODES.interrupted
    : exitCodeOf(rows.map(judgeCell), rows.length === cells.length);
  if (json) say(JSON.stringify({ version: 1, seed, budgetSeconds: budget, exitCode, rows }, undefined, 2));
  else
    for (const { values, broken, reproduce } of rows)
      if (reproduce !== undefined) say(`\n${values.join(', ')}: ${broken.join(' ')} broken\n  again: ${reproduce}`);
  return exitCode;
}
