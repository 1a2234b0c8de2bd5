import { Timestamp, type ChangeStreamDocument, type Db } from 'mongodb';
import type { Change, Commit } from '../system/commit.ts';
import type { SystemTypes } from '../system/system-types.ts';
import { Mirror, type WriteEvent } from './mirror.ts';
import { saveDatabase, type SavedDatabase } from './saved-database.ts';

/** A collection of the witness's own: its first document is the end of what it reads. */
const END = 'end_of_run';
const BATCH_SIZE = 1_000;
const MAX_READ_MS = 60_000;

/**
 * Tells which writes took effect in a database, in which order, and which of them together: by the server's log, independent of the
 * clients under test. It reads the log as a change stream. That tells what a majority has, so that nothing of it is rolled back; it tells the writes
 * of a transaction together, each write once however often its command was sent, and nothing of other databases.
 */
export class Witness {
  readonly #db: Db;
  readonly #saved: SavedDatabase;
  /** Of the last write before. */
  readonly #after: Timestamp;

  private constructor(db: Db, saved: SavedDatabase, after: Timestamp) {
    this.#db = db;
    this.#saved = saved;
    this.#after = after;
  }

  /** To be called while nobody writes to the database. */
  static async begin(db: Db): Promise<Witness> {
    const saved = await saveDatabase(db);
    const { operationTime } = await db.command({ ping: 1 });
    return new Witness(db, saved, operationTime as Timestamp);
  }

  /**
   * Reads all commits since the begin, in their order. To be called once, when nobody writes any more: it adds a collection to the database.
   *
   * @param toWrite undefined for a change that says nothing; a commit of such changes alone is left out
   * @throws an Error where a collection was dropped or renamed meanwhile, or where the log can't be read to its end within 60 s
   */
  async read<T extends SystemTypes>(toWrite: (change: Change) => T['write'] | undefined): Promise<Commit<T>[]> {
    const mirror = new Mirror(this.#saved);
    const commits: Commit<T>[] = [];
    let last: LoggedWrite | undefined;
    const endCommit = (): void => {
      const writes = mirror.commit().flatMap((change) => toWrite(change) ?? []);
      if (last !== undefined && writes.length > 0) commits.push({ isTransaction: last.lsid !== undefined, writes });
    };
    for await (const event of this.#events()) {
      // The log has one time for a whole transaction, and another one for each other write.
      if (last !== undefined && !event.clusterTime.equals(last.clusterTime)) endCommit();
      mirror.write(event.ns.coll, event);
      last = event;
    }
    endCommit();
    return commits;
  }

  async *#events(): AsyncGenerator<LoggedWrite, void> {
    const { t, i } = this.#after;
    await using stream = this.#db.watch([], {
      startAtOperationTime: new Timestamp({ t, i: i + 1 }),
      batchSize: BATCH_SIZE,
    });
    await this.#db.collection(END).insertOne({}, { writeConcern: { w: 'majority' } });
    const deadlineMs = performance.now() + MAX_READ_MS;
    for (;;) {
      const event = await stream.tryNext();
      if (event === null) {
        if (performance.now() >= deadlineMs)
          throw new Error(`the log could not be read to its end within ${MAX_READ_MS / 1_000} s`);
      } else if (!isWrite(event)) throw new Error(`the log has ${event.operationType} between the writes of the run`);
      else if (event.ns.coll === END) return;
      else yield event;
    }
  }
}

type LoggedWrite = ChangeStreamDocument &
  WriteEvent & { readonly clusterTime: Timestamp; readonly ns: { readonly coll: string } };

const WRITES: readonly string[] = ['insert', 'update', 'replace', 'delete'];

const isWrite = (event: ChangeStreamDocument): event is LoggedWrite => WRITES.includes(event.operationType);
