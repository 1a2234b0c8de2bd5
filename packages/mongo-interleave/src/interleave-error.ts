/**
 * What went wrong, for programs; the message says it for people.
 *
 * - `invalid-option`: an option has an invalid value
 * - `invalid-token`: a text is not a token of this version
 * - `unsupported-protocol`: a client uses a protocol feature that the gate can't hold (compression, TLS, exhaust cursors,
 *   unacknowledged writes)
 * - `prepare-failed`: `prepare` of a client threw; its error is the `cause`
 * - `diverged`: a replay met other commands than the schedule has
 * - `nondeterministic`: two runs of one schedule differ, so something other than the schedule influences the flow
 * - `unscheduled`: a client sent a command although nothing had been delivered to it since it came to the gate: a timer, or work that
 *   the flow does not await, decides
 * - `withdrawn`: a client closed the connection of a command that waited at the gate or in the server: a timeout, an abort, or a flow
 *   that closes its client with a command under way
 * - `stuck`: clients are live, but each of their commands would block in the server
 * - `blocked`: a command waits in the server for something that the gate does not know of, such as a transaction of another program
 * - `nothing-held`: a run ended without a held command, so it proves nothing; the flow probably used another client
 * - `step-limit`: a run took more than `maxSteps` steps; a flow probably retries forever
 * - `watchdog`: a client or the server did not answer within `maxWaitMs`; the run has no verdict
 * - `connection-lost`: the connection to the server closed while a reply was awaited
 * - `stopped`: the session or gate was closed, by the user or after a failure that left clients hanging
 */
export type InterleaveErrorCode =
  | 'invalid-option'
  | 'invalid-token'
  | 'unsupported-protocol'
  | 'prepare-failed'
  | 'diverged'
  | 'nondeterministic'
  | 'unscheduled'
  | 'withdrawn'
  | 'stuck'
  | 'blocked'
  | 'nothing-held'
  | 'step-limit'
  | 'watchdog'
  | 'connection-lost'
  | 'stopped';

/** The package's only error class. `cause` keeps what was underneath. */
export class InterleaveError extends Error {
  override readonly name = 'InterleaveError';
  readonly code: InterleaveErrorCode;

  constructor(code: InterleaveErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options);
    this.code = code;
  }
}

const USERS_FAULTS: ReadonlySet<InterleaveErrorCode> = new Set([
  'invalid-option',
  'invalid-token',
  'unsupported-protocol',
  'prepare-failed',
  'diverged',
  'nondeterministic',
  'unscheduled',
  'withdrawn',
  'nothing-held',
]);

/** Is this an error that a change of the options or of the flow mends, as its message says? Anything else is a fault of ours or of the machine. */
export const isUsersFault = (error: unknown): boolean =>
  error instanceof InterleaveError && USERS_FAULTS.has(error.code);
