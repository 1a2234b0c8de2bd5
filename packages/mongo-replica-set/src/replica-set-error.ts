/**
 * What went wrong, for programs; the message says it for people, with the remedy.
 *
 * - `invalid-option`: an option has a value that makes no sense (member count, provider name, parameter name)
 * - `no-mongodb`: no provider could give a MongoDB; the message lists each with its reason
 * - `unusable`: a MongoDB that was named outright (MONGODB_URI, MONGOD) cannot be used
 * - `start-failed`: a mongod was found but the set did not come up
 * - `aborted`: the caller's signal was aborted; nothing is left behind
 * - `unsupported`: this provider cannot do that (nobody kills members of a given URI)
 * - `member-state`: the member is not in the state the call needs (killed twice, restarted while running)
 * - `step-down-failed`, `no-primary`: the set did not do as told within the limit
 * - `stopped`: the handle was stopped before
 * - `foreign-database`: the database name lacks our prefix
 */
export type ReplicaSetErrorCode =
  | 'invalid-option'
  | 'no-mongodb'
  | 'unusable'
  | 'start-failed'
  | 'aborted'
  | 'unsupported'
  | 'member-state'
  | 'step-down-failed'
  | 'no-primary'
  | 'stopped'
  | 'foreign-database';

/** The package's only error class. `cause` keeps what was underneath. */
export class ReplicaSetError extends Error {
  override readonly name = 'ReplicaSetError';
  readonly code: ReplicaSetErrorCode;

  constructor(code: ReplicaSetErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options);
    this.code = code;
  }
}

/** The first line of anything thrown, for one-line reasons. */
export function firstLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.trim().split('\n', 1)[0] ?? '';
}
