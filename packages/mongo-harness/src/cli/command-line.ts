import { CommanderError } from 'commander';
import type { System } from '../system/system.ts';
import type { SystemTypes } from '../system/system-types.ts';
import { catalogueCommand, type CatalogueOptions } from './catalogue.ts';
import { checkCommand, type CheckOptions } from './check.ts';
import { exploreCommand, type ExploreOptions } from './explore.ts';
import { faultCatalogueCommand, type FaultCatalogueOptions } from './fault-catalogue.ts';
import { matrixCommand, type MatrixOptions } from './matrix.ts';
import { oneOf, Options } from './options.ts';
import { replayCommand, type ReplayOptions } from './replay.ts';
import { stressCommand, type StressOptions } from './stress.ts';

/** What is to be done. */
export type CommandLine =
  | { readonly kind: 'stress'; readonly options: StressOptions }
  | { readonly kind: 'explore'; readonly options: ExploreOptions }
  | { readonly kind: 'replay'; readonly options: ReplayOptions }
  | { readonly kind: 'check'; readonly options: CheckOptions }
  | { readonly kind: 'catalogue'; readonly options: CatalogueOptions }
  | { readonly kind: 'fault-catalogue'; readonly options: FaultCatalogueOptions }
  | { readonly kind: 'matrix'; readonly options: MatrixOptions };

/**
 * @param command how the user calls the harness, as in `pnpm stress`
 * @throws CommanderError: its `exitCode` is 0 where help was asked for; what is wrong was printed already.
 */
export function parseCommandLine<T extends SystemTypes>(
  system: System<T>,
  command: string,
  argv: readonly string[],
): CommandLine {
  let parsed: CommandLine | undefined;
  const chosen =
    <K extends CommandLine['kind']>(kind: K) =>
    (options: Extract<CommandLine, { kind: K }>['options']): void => {
      parsed = { kind, options } as CommandLine;
    };
  const options = new Options(system);
  const program = stressCommand(system, command, options, chosen('stress'));
  const commands = [
    exploreCommand(system, command, options, chosen('explore')),
    replayCommand(system, command, options, chosen('replay')),
    checkCommand(command, chosen('check')),
    catalogueCommand(system, command, options, chosen('catalogue')),
    faultCatalogueCommand(system, command, options, chosen('fault-catalogue')),
    matrixCommand(system, command, options, chosen('matrix')),
  ];
  for (const one of commands) program.addCommand(one.copyInheritedSettings(program));
  // A word that is none of these would be taken for an argument of the default.
  program.argument('[command]', '', oneOf(commands.map((one) => one.name())));
  program.parse([...argv], { from: 'user' });
  if (parsed === undefined) throw new Error('no command took the command line');
  return parsed;
}

export const isUsageError = (error: unknown): error is CommanderError => error instanceof CommanderError;
