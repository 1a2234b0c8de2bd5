import { parseCommandLine, type StressOptions } from 'mongo-harness/testing';
import rotationSystem from '../../src/rotation-system.ts';

/** What a command line says that names no command. */
export function stressOptions(argv: readonly string[]): StressOptions {
  const { kind, options } = parseCommandLine(rotationSystem, 'pnpm stress', argv);
  if (kind !== 'stress') throw new Error(`expected no command, but got ${kind}`);
  return options;
}
