import { MongoServerError } from 'mongodb';
import { RotationError } from './rotation-error.ts';

const DUPLICATE_KEY = 11_000;
const ILLEGAL_OPERATION = 20;
/** Indexes whose values are ids; others may hold an apiKey, which must not reach a message. */
const ID_INDEX = /^(_id_|rotation_.*)$/;

/**
 * Turns what the driver threw into the one error of this package. A server's error on a write can carry the document that was
 * written, apiKey and all - in its message, and in fields that loggers print. So it is not kept as the cause: its code is.
 */
export function toRotationError(error: unknown, rotationId?: string): RotationError {
  if (error instanceof RotationError) return error;
  const about = rotationId === undefined ? {} : { rotationId };
  if (!(error instanceof MongoServerError))
    return new RotationError('database', `The database could not be used: ${nameOf(error)}`, {
      cause: error,
      ...about,
    });
  if (error.code === DUPLICATE_KEY) return new RotationError('inconsistent', describeDuplicate(error.message));
  if (error.code === ILLEGAL_OPERATION && error.message.includes('Transaction numbers'))
    return new RotationError(
      'not-a-replica-set',
      'The server is a standalone, which has no transactions. Start mongod with --replSet and run rs.initiate() once; one member is enough.',
    );
  return new RotationError(
    'database',
    `The server refused a command: ${error.codeName ?? 'error'} (${error.code ?? 'no code'})`,
    about,
  );
}

/** E11000 texts read: `... collection: DB.NAME index: INDEX dup key: { FIELD: VALUE }`. */
function describeDuplicate(message: string): string {
  const [, collection = '?', index = '?', values = ''] =
    /collection: (\S+) index: (\S+)(?: collation: \{.*?\})? dup key: (\{.*\})/s.exec(message) ?? [];
  const shown = ID_INDEX.test(index) ? ` ${values}` : '';
  const remedy = remedyOf(index);
  return `Duplicate key in ${collection}, index ${index}${shown}: ${remedy}. The rotation was undone.`;
}

function remedyOf(index: string): string {
  if (index.startsWith('rotation_'))
    return 'this life of the key took a backup before; a key that is put back needs a new incarnation';
  if (index === '_id_') return 'a free backup has the id of a live document; delete that backup';
  return 'a value is there already, and this unique index of the service allows it once';
}

const nameOf = (error: unknown): string => (error instanceof Error ? error.name : typeof error);
