/**
 * What went wrong, for programs; the message says it for people.
 *
 * - `invalid-option`: an option has an invalid value
 * - `invalid-token`: a text is not a token of this version
 * - `unsupported-protocol`: a client uses a protocol feature that the gate can't hold (compression, TLS, exhaust cursors,
 *   unacknowledged writes)
 * - `prepare-failed`: `prepare` of a client threw; its error is the `cause`
 * - `diverged`: a replay met other commands than the schedule has; or a run of a search met other commands than an earlier run, so its
 *   verdict is unknown
 * - `nondeterministic`: two runs of one schedule differ, so something other than the schedule influences the flow
 * - `never-ends`: the verdict of a run that never ends: the clients that are left wait for each other, or for a change that nobody makes,
 *   or have not ended within `maxSteps` steps
 * - `blocked`: a command waits in the server for something that the gate does not know of, such as a transaction of another program; the
 *   verdict of the run is unknown
 * - `late-command`: a client sent a command after its flow had ended; the verdict of the run is unknown
 * - `all-threw`: every client threw in every run and `check` had nothing to say, so nothing was tested
 * - `nothing-held`: a run ended without a held command, so it proves nothing: the flow threw before it sent one, or used another client
 * - `watchdog`: a client or the server did not answer within `maxWaitMs`; the verdict of the run is unknown
 * - `connection-lost`: the connection to the server closed while a reply was awaited; the verdict of the run is unknown
 * - `stopped`: the session or gate was closed, by the user or after a failure from which it can't recover
 */
export type InterleaveErrorCode =
  | 'invalid-option'
  | 'invalid-token'
  | 'unsupported-protocol'
  | 'prepare-failed'
  | 'diverged'
  | 'nondeterministic'
  | 'never-ends'
  | 'blocked'
  | 'late-command'
  | 'all-threw'
  | 'nothing-held'
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
