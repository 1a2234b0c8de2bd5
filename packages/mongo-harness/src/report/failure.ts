import { InterleaveError, type InterleaveErrorCode } from 'mongo-interleave';
import { MongoNetworkError, MongoServerSelectionError } from 'mongodb';
import { ProgramError } from '../exec/program-error.ts';

/** Why a row has no verdict. */
export interface Failure {
  /**
   * - `usage`: the user gave something that can't work, and the row would fail again
   * - `run`: what ran could not be finished or judged; the next row may
   * - `database`: the database is gone
   */
  readonly kind: 'usage' | 'run' | 'database';
  /** One line that says what to do where that is known. */
  readonly reason: string;
}

const USAGE_CODES: ReadonlySet<InterleaveErrorCode> = new Set([
  'invalid-option',
  'invalid-token',
  'unsupported-protocol',
  'nothing-held',
]);

const OTHER_WAY =
  'the program took another way in the same order: it must send one command at a time, let replies alone decide, and keep nothing in memory from call to call, unless --exec-fresh starts it anew for each run';

/** What is said first where the flow under test is a program. */
const PROGRAM_ADVICE: Readonly<Partial<Record<InterleaveErrorCode, string>>> = {
  diverged: OTHER_WAY,
  nondeterministic: OTHER_WAY,
  'nothing-held': 'the program sent no command to the gate: it must connect with MONGODB_URI of its environment',
  unscheduled: 'the program sent two commands at once, or one that a timer decides: it must send one at a time',
  withdrawn: 'the program took a command back that waited at the gate: it must not limit the time of a command',
  watchdog: 'the program neither sent a command nor answered its call',
};

/** A row failed in another process, which has said why. */
export class RowError extends Error {
  override readonly name = 'RowError';
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure.reason);
    this.failure = failure;
  }
}

/** What went wrong, for a person. @param exec the flow under test is a command of the user's */
export function toFailure(error: unknown, exec = false): Failure {
  if (error instanceof RowError) return error.failure;
  const lost = error instanceof InterleaveError ? error.cause : error;
  if (lost instanceof MongoServerSelectionError || lost instanceof MongoNetworkError)
    return { kind: 'database', reason: `the database went away: ${firstLine(lost.message)}` };
  if (error instanceof ProgramError) return { kind: 'usage', reason: `--exec: ${error.message}` };
  if (error instanceof InterleaveError) {
    const kind = USAGE_CODES.has(error.code) ? 'usage' : 'run';
    const said = kind === 'usage' ? error.message : `${error.code}: ${firstLine(error.message)}`;
    const advice = exec ? PROGRAM_ADVICE[error.code] : undefined;
    return { kind, reason: advice === undefined ? said : `${advice} (${said})` };
  }
  if (!(error instanceof Error))
    return { kind: 'run', reason: `something was thrown that is no error: ${String(error)}` };
  return { kind: 'run', reason: `${error.name}: ${firstLine(error.message)}${placeOf(error)}` };
}

const firstLine = (text: string): string => text.trim().split('\n', 1)[0] ?? '';

/** Where in the sources the error was thrown, as in ` (at check (job-queue.ts:117:11))`. */
function placeOf({ stack = '' }: Error): string {
  const frame = stack.split('\n').find((line) => /^\s+at /.test(line) && !line.includes('node:'));
  return frame === undefined ? '' : ` (${frame.trim().replace(/(?:file:\/\/)?\/\S*\//, '')})`;
}
