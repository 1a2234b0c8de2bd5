import type { Binary, Db, Document, MongoClient, ObjectId } from 'mongodb';
import { RotationError } from '../errors.ts';
import { UUID_SUBTYPE, type StoredId } from '../ids.ts';
import { putBackSession, takeSession } from './rotation-sessions.ts';

/** Makes ids of texts, with the classes of the service's copy of BSON: a driver refuses those of another version. */
export interface BsonClasses {
  readonly objectId: (text: string) => StoredId;
  readonly uuid: (text: string) => StoredId;
}

const classesOf = new WeakMap<MongoClient, BsonClasses>();

/**
 * Notes the classes of the client's copy. A value of each is at hand: the server's answer to `hello` names its process by an ObjectId, since
 * version 4.4, and the id of a session is a Binary.
 */
export async function noteBsonClasses(db: Db, hello: Document): Promise<void> {
  const processId: unknown = hello['topologyVersion']?.processId;
  const session = takeSession(db);
  const sessionId: unknown = session.id?.id;
  await putBackSession(db, session);
  classesOf.set(db.client, {
    objectId: (text) => new (classOf(processId) as typeof ObjectId)(text) as unknown as StoredId,
    uuid: (text) =>
      new (classOf(sessionId) as typeof Binary)(
        Buffer.from(text.replaceAll('-', ''), 'hex'),
        UUID_SUBTYPE,
      ).toUUID() as unknown as StoredId,
  });
}

function classOf(value: unknown): unknown {
  if (typeof value === 'object' && value !== null) return value.constructor;
  throw new RotationError('not-a-replica-set', 'Ids that are no strings need MongoDB 4.4 or newer');
}

/** The classes, which `requireTransactions` has noted. */
export function bsonClassesOf({ client }: Db): BsonClasses {
  const classes = classesOf.get(client);
  if (classes === undefined) throw new TypeError('the server was not asked yet');
  return classes;
}
