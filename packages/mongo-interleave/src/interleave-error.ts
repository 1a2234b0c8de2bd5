/**
 * What went wrong, for programs; the message says it for people.
 *
 * - `invalid-option`: an option has an invalid value
 * - `invalid-token`: a text is not a token of this version, or not of this scenario
 * - `unsupported-protocol`: a client uses a protocol feature that the gate can't hold (compression, TLS, exhaust cursors,
 *   unacknowledged writes)
 * - `prepare-failed`: `prepare` of a client threw; its error is the `cause`. After a crash, the verdict of the run is unknown
 * - `reset-failed`: `reset` threw; its error is the `cause`. Or it returned before its commands did. A search tries a run whose start state could not be made a few times
 * - `callback-failed`: `onClass`, `onProgress`, `onRun` or `dispose` threw; its error is the `cause`. Or `check` returned before its commands did, so the
 *   verdict of the run is unknown
 * - `diverged`: a replay met other commands than the schedule has; or a run of a search met other commands than an earlier run, so its
 *   verdict is unknown
 * - `nondeterministic`: two runs of one schedule differ, so something other than the schedule influences the flow
 * - `unscheduled`: a client sent a command, or its flow ended, although nothing had been delivered to it since it came to the gate: a timer, or work that
 *   the flow does not await, decides; the verdict of the run is unknown
 * - `withdrawn`: a client closed the connection of a command that waited at the gate or in the server: a timeout, an abort, or a flow
 *   that closes its client with a command under way; the verdict of the run is unknown
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
  | 'reset-failed'
  | 'callback-failed'
  | 'diverged'
  | 'nondeterministic'
  | 'unscheduled'
  | 'withdrawn'
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

const USERS_FAULTS: ReadonlySet<InterleaveErrorCode> = new Set([
  'invalid-option',
  'invalid-token',
  'unsupported-protocol',
  'prepare-failed',
  'reset-failed',
  'callback-failed',
  'diverged',
  'nondeterministic',
  'unscheduled',
  'withdrawn',
  'nothing-held',
]);

/** Is this an error that a change of the options or of the flow mends, as its message says? Anything else is a fault of ours or of the machine. */
export const isUsersFault = (error: unknown): boolean =>
  error instanceof InterleaveError && USERS_FAULTS.has(error.code);
