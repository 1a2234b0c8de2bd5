import { createHash, randomBytes } from 'node:crypto';
import type { Binary, ClientSession, Db, MongoClient } from 'mongodb';

/*
 * Sessions of this package alone, known by their ids. A session's id is a UUID which the client makes up, and the one thing that
 * `$currentOp` shows of an idle transaction and that its client has chosen. Drivers draw UUIDs of version 4. Those of this package
 * have version 8, which is free for such uses (RFC 9562, section 5.8), and begin with a digest of the database's name.
 *
 * For this, a session is never given back to the driver's pool: another module of the service would get it, with its id.
 */

/** The first bytes of the UUID, which are the same for all sessions of one database. */
const MARK_BYTES = 6;
const UUID_BYTES = 16;
const VERSION_BYTE = 6;
const VERSION_8 = 0x80;
/** At most this many idle sessions are kept for each client and database; more transactions are rarely open at once. */
const MAX_KEPT_SESSIONS = 64;

const keptOf = new WeakMap<MongoClient, Map<string, ClientSession[]>>();

/** Opens a session for transactions of this package on this database, or takes one that was used before. */
export function takeSession({ client, databaseName }: Db): ClientSession {
  const kept = keptOf.get(client)?.get(databaseName) ?? [];
  for (let session = kept.pop(); session !== undefined; session = kept.pop()) if (!session.hasEnded) return session;
  const session = client.startSession({ causalConsistency: false });
  const id = session.id?.id.buffer;
  if (id !== undefined) {
    id.set(markOf(databaseName));
    id[VERSION_BYTE] = VERSION_8 | ((id[VERSION_BYTE] ?? 0) & 0x0f);
  }
  return session;
}

/** Undoes the session's transaction if it is still open, and keeps the session for the next one. */
export async function putBackSession({ client, databaseName }: Db, session: ClientSession): Promise<void> {
  if (session.inTransaction()) await session.abortTransaction(); // never rejects
  if (session.hasEnded) return;
  const byName = keptOf.get(client) ?? new Map<string, ClientSession[]>();
  keptOf.set(client, byName);
  const kept = byName.get(databaseName) ?? [];
  byName.set(databaseName, kept);
  if (kept.length < MAX_KEPT_SESSIONS) kept.push(session);
  else {
    session.id?.id.buffer.set(randomBytes(UUID_BYTES));
    await session.endSession();
  }
}

/** The ids of all sessions that this package opens for a database: from `first` to `last`, as the server compares them. */
export interface SessionIds {
  readonly first: Binary;
  readonly last: Binary;
}

/** @returns undefined if the driver does not let sessions be named. */
export function sessionIdsOf(db: Db, session: ClientSession): SessionIds | undefined {
  const id = session.id?.id;
  const mark = markOf(db.databaseName);
  if (id === undefined || !mark.equals(id.buffer.subarray(0, MARK_BYTES))) return undefined;
  // Its class is that of the driver's own copy of BSON; a copy of another version would be refused.
  const OwnBinary = id.constructor as typeof Binary;
  const bound = (filler: number, version: number): Binary => {
    const bytes = Buffer.alloc(UUID_BYTES, filler);
    mark.copy(bytes);
    bytes[VERSION_BYTE] = version;
    return new OwnBinary(bytes, id.sub_type);
  };
  return { first: bound(0x00, VERSION_8), last: bound(0xff, VERSION_8 | 0x0f) };
}

const markOf = (databaseName: string): Buffer =>
  createHash('sha256').update(`rotation-core ${databaseName}`).digest().subarray(0, MARK_BYTES);
