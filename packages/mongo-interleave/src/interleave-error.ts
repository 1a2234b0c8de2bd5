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
