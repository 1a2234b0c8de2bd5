import { ReplicaSetError } from 'mongo-replica-set';
import { isUsageError, parseCommandLine, type CommandLine } from './command-line.ts';
import { catalogue } from './commands/catalogue.ts';
import { createContext, type CommandContext } from './commands/context.ts';
import { explore } from './commands/explore.ts';
import { replay } from './commands/replay.ts';
import { stress } from './commands/stress.ts';
import { exitCodes, type ExitCode } from './exit-codes.ts';
import { complain } from './report/say.ts';
import { ProgramError } from './subjects/exec/program-error.ts';

async function main(argv: readonly string[]): Promise<ExitCode> {
  let commandLine: CommandLine;
  try {
    commandLine = parseCommandLine(argv);
  } catch (error) {
    if (!isUsageError(error)) throw error;
    return error.exitCode === 0 ? exitCodes.valid : exitCodes.usage;
  }
  const context = createContext(commandLine.options);
  try {
    return await run(commandLine, context);
  } catch (error) {
    context.progress.clear();
    if (context.interrupted.aborted) return exitCodes.interrupted;
    if (error instanceof ProgramError) {
      complain(`--exec: ${error.message}`);
      return exitCodes.usage;
    }
    if (!(error instanceof ReplicaSetError)) throw error;
    complain(error.message);
    return context.signal.aborted ? exitCodes.unknown : exitCodes.noMongoDB;
  }
}

function run(commandLine: CommandLine, context: CommandContext): Promise<ExitCode> {
  switch (commandLine.kind) {
    case 'stress':
      return stress(commandLine.options, context);
    case 'explore':
      return explore(commandLine.options, context);
    case 'replay':
      return replay(commandLine.options, context);
    case 'catalogue':
      return catalogue(commandLine.options, context);
  }
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  complain(`internal error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  process.exitCode = exitCodes.internal;
}
