import { RotationError } from '../errors.ts';
import { ONE_CLAIM_INDEX } from '../indexes.ts';
import { copyWithoutFields, DUPLICATE_KEY, serverAnswerOf, type ServerAnswer } from './driver-error.ts';
import { describePlace, type Place } from './place.ts';

/** Unique indexes whose values are ids. The values of other indexes can be apiKeys, which must not reach a message. */
const ID_INDEXES: readonly string[] = ['_id_', ONE_CLAIM_INDEX];

/** What an error is about, as far as its message says it. */
export interface ErrorContext {
  /** The call, as in `bind` or `rotate k1`. */
  readonly what: string;
  /** Ids may not be shown. */
  readonly secretIds?: boolean | undefined;
  readonly place: Place;
  /** What the call has done to the data, as a sentence. */
  readonly consequence: string;
  /** The rotation that may have been committed, if there is one. */
  readonly rotationId?: string | undefined;
}

/**
 * Turns an error of the driver or the server into a RotationError. A server's error on a write can carry the document that was
 * written, with its apiKey, in the message and in fields that loggers print. So the message names the server's code, and the
 * error itself is not kept as the cause. Of an error of the driver the cause is a copy with nothing but name, message and stack.
 */
export function toRotationError(
  error: unknown,
  { what, place, consequence, rotationId, secretIds = false }: ErrorContext,
): RotationError {
  if (error instanceof RotationError) return error;
  const about = rotationId === undefined ? {} : { rotationId };
  const answer = serverAnswerOf(error);
  const at = describePlace(place);
  if (answer === undefined) {
    const cause = copyWithoutFields(error);
    const text = `${what}: the driver could not run ${at}: ${cause.name}. ${remedyOfDriver(cause.name)}. ${consequence}`;
    return new RotationError('database', text, { cause, ...about });
  }
  if (answer.code === DUPLICATE_KEY)
    return new RotationError(
      'inconsistent',
      `${what}: ${describeDuplicate(answer.message, at, secretIds)} ${consequence}`,
      about,
    );
  const remedy = place.step === 'findFreeBackups' && answer.code === BAD_VALUE ? BAD_ELIGIBLE : remedyOf(answer.code);
  const text = `${what}: the server refused ${at}: ${describeAnswer(answer)}. ${remedy}. ${consequence}`;
  return new RotationError('database', text, about);
}

/** An error in a few words for an event, without its message, which may quote documents. */
export function summarize(error: unknown): string {
  const answer = serverAnswerOf(error);
  if (answer !== undefined) return describeAnswer(answer);
  return error instanceof RotationError ? error.message : copyWithoutFields(error).name;
}

const describeAnswer = ({ code, codeName }: ServerAnswer): string =>
  codeName === undefined ? `error ${code}` : `${codeName} (${code})`;

/** The message of an E11000 reads: `... collection: DB.NAME index: INDEX dup key: { FIELD: VALUE }`. */
function describeDuplicate(message: string, at: string, secretIds: boolean): string {
  const [, collection = '?', index = '?', values = ''] =
    /collection: (\S+) index: (\S+)(?: collation: \{.*?\})? dup key: (\{.*\})/s.exec(message) ?? [];
  const shown = ID_INDEXES.includes(index) && !secretIds ? ` ${values}` : '';
  return `DuplicateKey (${DUPLICATE_KEY}) at ${at}: Duplicate key in ${collection}, index ${index}${shown}: ${remedyOfDuplicate(index)}.`;
}

function remedyOfDuplicate(index: string): string {
  if (index === ONE_CLAIM_INDEX)
    return 'this incarnation of the key took a backup before; a key that is put back needs a new incarnation';
  if (index === '_id_') return 'a free backup has the id of a live document; delete that backup';
  return 'the value exists already, and this unique index of the service allows it once';
}

function remedyOf(code: number): string {
  return (
    REMEDIES[code] ??
    'The code is explained in the MongoDB manual under "Error Codes", and often in the log of the server'
  );
}

const BAD_VALUE = 2;
const BAD_ELIGIBLE = "The pool's `eligible` is a part of this filter: check its operators";

const NO_PRIMARY =
  'The server is not the primary. Connect with the addresses of all members, with replicaSet and without directConnection';

const REMEDIES: Readonly<Record<number, string>> = {
  13: 'Grant the user find, insert, update and remove on the collections of the pool; to create indexes also listCollections, listIndexes, createCollection and createIndex',
  18: 'Check the user, the password and authSource of the MongoClient',
  50: 'The command took longer than maxTimeMS or timeoutMS of the MongoClient allow; raise it',
  64: 'The write concern was not met in time: too few members are up',
  89: 'The network timed out; check the server and the connection',
  91: 'The server is shutting down; try again',
  100: 'Write concern majority can never be met by this replica set: check its configuration',
  112: 'Another writer kept the documents locked all the time; try again',
  121: 'A validator of this collection refuses the document; let it allow the fields that rotations write',
  251: 'The server ended the transaction: its session was killed or transactionLifetimeLimitSeconds was over',
  290: 'The transaction took longer than transactionLifetimeLimitSeconds',
  257: 'The transaction is too large for the server; there are too many bindings',
  263: 'The collection must be an ordinary one: not capped, no view, no time series',
  323: 'The MongoClient is bound to the strict stable API, which lacks this command',
  10_107: NO_PRIMARY,
  10_334: 'The document would be larger than 16 MB',
  11_601: 'The operation was killed; try again',
  13_435: NO_PRIMARY,
};

function remedyOfDriver(name: string): string {
  if (/^Mongo(ServerSelection|Network)/.test(name))
    return 'Check that the members of the replica set are up and can be reached from here under the names that rs.conf() gives them';
  if (/^Mongo(TopologyClosed|NotConnected|ClientClosed|PoolClosed)/.test(name))
    return 'The MongoClient is closed, or could not be connected: connect it';
  if (name.startsWith('MongoWaitQueue')) return 'All connections are in use; raise maxPoolSize of the MongoClient';
  if (name.startsWith('MongoOperationTimeout')) return 'timeoutMS of the MongoClient is over; raise it';
  return 'The cause says more';
}
