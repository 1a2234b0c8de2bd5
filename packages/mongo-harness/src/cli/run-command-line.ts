import { InterleaveError } from 'mongo-interleave';
import { ReplicaSetError } from 'mongo-test-replica-set';
import { ProgramError } from '../exec/program-error.ts';
import { toFailure } from '../report/failure.ts';
import { complain } from '../report/say.ts';
import { loadSystem } from '../trial/load-system.ts';
import type { SystemTypes } from '../system/system-types.ts';
import { UsageError } from '../trial/usage-error.ts';
import { calledAs } from './called-as.ts';
import { catalogue } from './catalogue.ts';
import { check } from './check.ts';
import { faultCatalogue } from './fault-catalogue.ts';
import { isUsageError, parseCommandLine, type CommandLine } from './command-line.ts';
import { createContext, type CommandContext } from './context.ts';
import { EXIT_CODES, type ExitCode } from './exit-codes.ts';
import { explore } from './explore.ts';
import { watchOutput } from './output-closed.ts';
import { runMatrix } from './matrix.ts';
import { replay } from './replay.ts';
import { stress } from './stress.ts';

const MAX_LINGER_MS = 500;

/**
 * The command line of a system: storms by default, and the commands `explore`, `replay`, `check`, `catalogue`, `fault-catalogue` and `matrix`. Sets the exit code
 * of this process, and ends it.
 *
 * @param module a file URL; its default export is the `System`, and worker processes load it too
 * @param command how the user calls the harness, for help and for the commands that show a row again. Default: as this process was called,
 *   such as `pnpm stress`
 * @param argv default: the arguments of this process
 */
export async function runCommandLine(
  module: URL,
  command: string = calledAs({ argv: process.argv, cwd: process.cwd(), environment: process.env }),
  argv: readonly string[] = process.argv.slice(2),
): Promise<void> {
  // Node.js would end the process with 1, the exit code of a broken invariant.
  process.on('uncaughtException', (error) => {
    complainOfInternal(error);
    process.exit(EXIT_CODES.internal);
  });
  const outputClosed = watchOutput();
  try {
    const exitCode = await run(module.href, command, argv, outputClosed);
    process.exitCode = outputClosed.aborted ? EXIT_CODES.outputClosed : exitCode;
  } catch (error) {
    if (error instanceof UsageError) {
      complain(`error: ${error.message}`);
      process.exitCode = EXIT_CODES.usage;
      return;
    }
    complainOfInternal(error);
    process.exitCode = EXIT_CODES.internal;
  } finally {
    // Flows that were given up in the middle may hold timers for long. What they do counts for nothing.
    setTimeout(() => process.exit(), MAX_LINGER_MS).unref();
  }
}

const complainOfInternal = (error: unknown): void =>
  complain(`internal error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);

async function run(
  module: string,
  command: string,
  argv: readonly string[],
  outputClosed: AbortSignal,
): Promise<ExitCode> {
  const system = await loadSystem(module);
  let commandLine: CommandLine;
  try {
    commandLine = parseCommandLine(system, command, argv);
  } catch (error) {
    if (!isUsageError(error)) throw error;
    return error.exitCode === 0 ? EXIT_CODES.valid : EXIT_CODES.usage;
  }
  const options = commandLine.kind === 'check' ? {} : commandLine.options;
  const context = createContext({ system, module, command }, options, outputClosed);
  try {
    return await act(commandLine, context);
  } catch (error) {
    context.progress.clear();
    if (context.interrupted.aborted) return EXIT_CODES.interrupted;
    if (error instanceof ProgramError) {
      complain(`--exec: ${error.message}`);
      return EXIT_CODES.usage;
    }
    if (error instanceof InterleaveError) {
      const { kind, reason } = toFailure(error);
      complain(`error: ${reason}`);
      return kind === 'usage' ? EXIT_CODES.usage : EXIT_CODES.unknown;
    }
    if (!(error instanceof ReplicaSetError)) throw error;
    complain(error.message);
    return context.signal.aborted ? EXIT_CODES.unknown : EXIT_CODES.noMongoDB;
  }
}

function act(commandLine: CommandLine, context: CommandContext<SystemTypes>): Promise<ExitCode> {
  switch (commandLine.kind) {
    case 'stress':
      return stress(commandLine.options, context);
    case 'explore':
      return explore(commandLine.options, context);
    case 'replay':
      return replay(commandLine.options, context);
    case 'check':
      return check(commandLine.options, context);
    case 'catalogue':
      return catalogue(commandLine.options, context);
    case 'fault-catalogue':
      return faultCatalogue(commandLine.options, context);
    case 'matrix':
      return runMatrix(commandLine.options, context);
  }
}
