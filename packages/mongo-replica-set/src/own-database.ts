import { randomBytes } from 'node:crypto';
import { ReplicaSetError } from './replica-set-error.ts';

/** Databases with this prefix are ours to create and drop; on a given URI no other database is ever touched. */
export const ownDatabasePrefix = 'rotation_';

/** MongoDB allows 63 bytes; the prefix takes 9, the random tail 13. */
const longestLabel = 40;

/**
 * A fresh database name, `rotation_<label>_<12 random hex digits>`.
 *
 * @param label what the database is for: 1 to 40 of a-z, 0-9, `-` and `_`
 * @throws ReplicaSetError `invalid-option` for any other label
 */
export function createDatabaseName(label: string): string {
  if (!/^[a-z0-9_-]+$/.test(label) || label.length > longestLabel) {
    throw new ReplicaSetError(
      'invalid-option',
      `A label is 1 to ${longestLabel} of a-z, 0-9, - and _, not "${label}".`,
    );
  }
  return `${ownDatabasePrefix}${label}_${randomBytes(6).toString('hex')}`;
}

/**
 * To be called before a database is dropped or written to.
 *
 * @throws ReplicaSetError `foreign-database` unless the name starts with {@link ownDatabasePrefix}
 */
export function assertOwnDatabase(name: string): void {
  if (!name.startsWith(ownDatabasePrefix) || name.length === ownDatabasePrefix.length) {
    throw new ReplicaSetError(
      'foreign-database',
      `Database "${name}" is not ours: only names starting with "${ownDatabasePrefix}" may be created or dropped.`,
    );
  }
}
