/**
 * What went wrong, for programs; the message says it for people.
 *
 * - `invalid-option`: an option has a value that makes no sense
 * - `invalid-token`: a text that is no token of this version
 * - `unsupported-protocol`: a client speaks something that the gate can't hold (compression, TLS, exhaust, unacknowledged writes)
 * - `diverged`: a replay met other commands, or other choices, than the schedule says
 * - `nondeterministic`: the same schedule took another course the second time; something but the commands' order decides
 * - `stuck`: clients are live, and none of their commands can be sent without blocking in the server
 * - `blocked`: a command waits in the server for something that the gate did not foresee, such as a transaction of somebody else
 * - `nothing-held`: a run ended without one held command, so it proves nothing; the flow probably used another client
 * - `step-limit`: a run was longer than allowed; a flow probably retries for ever
 * - `watchdog`: a client or the server did not answer within the limit; this fails a run, and never decides one
 * - `connection-lost`: the connection to the server ended while a reply was awaited
 * - `stopped`: it was closed before, by the user or after a failure that left clients hanging
 */
export type InterleaveErrorCode =
  | 'invalid-option'
  | 'invalid-token'
  | 'unsupported-protocol'
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
