import { MongoServerError } from 'mongodb';
import { RotationError } from '../errors.ts';

const DUPLICATE_KEY = 11_000;
const ILLEGAL_OPERATION = 20;
/** Indexes whose values are ids. The values of other indexes can be apiKeys, which must not reach a message. */
const ID_INDEX = /^(_id_|rotation_.*)$/;

/**
 * Turns an error of the driver or the server into a RotationError. A server's error on a write can carry the document that was
 * written, with its apiKey, in the message and in fields that loggers print. So the message names the server's code, and the
 * error itself is not kept as the cause.
 *
 * @param rotationId the rotation that may have been committed, if there is one.
 */
export function toRotationError(error: unknown, rotationId?: string): RotationError {
  if (error instanceof RotationError) return error;
  const about = rotationId === undefined ? {} : { rotationId };
  if (!(error instanceof MongoServerError))
    return new RotationError('database', `The driver could not run a command: ${nameOf(error)}`, {
      cause: error,
      ...about,
    });
  if (error.code === DUPLICATE_KEY) return new RotationError('inconsistent', describeDuplicate(error.message));
  if (error.code === ILLEGAL_OPERATION && error.message.includes('Transaction numbers'))
    return new RotationError(
      'not-a-replica-set',
      'A standalone server has no transactions. Start mongod with --replSet and run rs.initiate() once; a replica set of one member is enough.',
    );
  return new RotationError(
    'database',
    `The server refused a command: ${error.codeName ?? 'error'} (${error.code ?? 'no code'})`,
    about,
  );
}

/** The message of an E11000 reads: `... collection: DB.NAME index: INDEX dup key: { FIELD: VALUE }`. */
function describeDuplicate(message: string): string {
  const [, collection = '?', index = '?', values = ''] =
    /collection: (\S+) index: (\S+)(?: collation: \{.*?\})? dup key: (\{.*\})/s.exec(message) ?? [];
  const shown = ID_INDEX.test(index) ? ` ${values}` : '';
  const remedy = remedyOf(index);
  return `Duplicate key in ${collection}, index ${index}${shown}: ${remedy}. The rotation was undone.`;
}

function remedyOf(index: string): string {
  if (index.startsWith('rotation_'))
    return 'this incarnation of the key took a backup before; a key that is put back needs a new incarnation';
  if (index === '_id_') return 'a free backup has the id of a live document; delete that backup';
  return 'the value exists already, and this unique index of the service allows it once';
}

const nameOf = (error: unknown): string => (error instanceof Error ? error.name : typeof error);
