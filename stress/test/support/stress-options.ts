import { parseCommandLine, type StressOptions } from '../../src/command-line.ts';

/** What a command line says that names no command. */
export function stressOptions(argv: readonly string[]): StressOptions {
  const { kind, options } = parseCommandLine(argv);
  if (kind !== 'stress') throw new Error(`expected no command, but got ${kind}`);
  return options;
}
