/**
 * What went wrong.
 *
 * - `invalid-option`: an option has an invalid value, such as the number of members or the name of a provider
 * - `no-mongodb`: no provider has a MongoDB; the message lists the reason of each
 * - `unusable`: the MongoDB that the user has named (MONGODB_URI, MONGOD) can't be used
 * - `start-failed`: a mongod was found, but the replica set or a restarted or thawed member did not become ready
 * - `aborted`: the caller's signal was aborted; no process, container or data is left behind
 * - `unsupported`: the replica set of a given URI is never disturbed: nobody kills its members or makes them step down
 * - `member-state`: a member was killed that is down, restarted that is running, frozen that is no running one, or thawed that is not frozen
 * - `step-down-failed`: the primary did not step down within 10 s, or was elected again
 * - `no-primary`: no primary was elected within 20 s
 * - `stopped`: the replica set was stopped before the call
 * - `foreign-database`: the database is not a test database: its name does not start with the prefix
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

/**
 * The only error class of this package. The message names the remedy where there is one; `cause` is the original error.
 */
export class ReplicaSetError extends Error {
  override readonly name = 'ReplicaSetError';
  readonly code: ReplicaSetErrorCode;

  constructor(code: ReplicaSetErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options);
    this.code = code;
  }
}

/** The first line of an error's message, for reasons of one line. */
export function firstLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.trim().split('\n', 1)[0] ?? '';
}
