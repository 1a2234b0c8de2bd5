import { randomBytes } from 'node:crypto';
import { ReplicaSetError } from './replica-set-error.ts';

/** How the names of test databases begin. */
export interface DatabaseOptions {
  /**
   * The prefix of the names, default `test_`: 1 to 49 of a-z, 0-9, `-` and `_`, with `-` or `_` at the end. Without the
   * separator the prefix `a` would make `admin` a test database.
   */
  readonly prefix?: string;
}

const DEFAULT_PREFIX = 'test_';
/** MongoDB's limit for the name of a database. */
const MAX_NAME_BYTES = 63;
const RANDOM_BYTES = 6;
/** `_` and two hex digits a byte. */
const TAIL_LENGTH = 1 + 2 * RANDOM_BYTES;
/** Leaves one character for the label. */
const MAX_PREFIX_LENGTH = MAX_NAME_BYTES - TAIL_LENGTH - 1;

/**
 * Creates the name of a new test database, `<prefix><label>_<12 random hex digits>`, of at most 63 bytes.
 *
 * @param label what the database is for: a-z, 0-9, `-` and `_`, as many as the prefix leaves room for (45 with `test_`)
 * @throws ReplicaSetError `invalid-option` for any other label or prefix
 */
export function createDatabaseName(label: string, options: DatabaseOptions = {}): string {
  const prefix = readPrefix(options);
  const maxLength = MAX_NAME_BYTES - TAIL_LENGTH - prefix.length;
  if (!/^[a-z0-9_-]+$/.test(label) || label.length > maxLength) {
    throw new ReplicaSetError('invalid-option', `A label is 1 to ${maxLength} of a-z, 0-9, - and _, not "${label}".`);
  }
  return `${prefix}${label}_${randomBytes(RANDOM_BYTES).toString('hex')}`;
}

/**
 * Refuses every database that is not a test database. Call it before a database is written to or dropped on a replica
 * set that others use too.
 *
 * @throws ReplicaSetError `foreign-database` unless the name is the prefix and at least one more character;
 *   `invalid-option` for a prefix that {@link DatabaseOptions} does not allow
 */
export function assertOwnDatabase(name: string, options: DatabaseOptions = {}): void {
  const prefix = readPrefix(options);
  if (!name.startsWith(prefix) || name.length === prefix.length) {
    throw new ReplicaSetError(
      'foreign-database',
      `"${name}" is not a test database: only names that start with "${prefix}" may be written to or dropped.`,
    );
  }
}

function readPrefix({ prefix = DEFAULT_PREFIX }: DatabaseOptions): string {
  if (!/^[a-z0-9_-]*[_-]$/.test(prefix) || prefix.length > MAX_PREFIX_LENGTH) {
    throw new ReplicaSetError(
      'invalid-option',
      `A prefix is 1 to ${MAX_PREFIX_LENGTH} of a-z, 0-9, - and _, and ends in - or _; "${prefix}" is none.`,
    );
  }
  return prefix;
}
