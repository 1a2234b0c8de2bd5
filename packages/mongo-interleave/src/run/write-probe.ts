import { MongoServerError, type MongoClient } from 'mongodb';
import type { Fields } from '../gate/message.ts';

/** WriteConflict, and LockTimeout: a transaction does not wait, so it is told at once what a write outside transactions would wait for. */
const WOULD_WAIT: ReadonlySet<unknown> = new Set([112, 24]);
/** InvalidOptions, OperationNotSupportedInTransaction, IllegalOperation: the command can't run in a transaction. */
const CANT_TELL: ReadonlySet<unknown> = new Set([72, 263, 20]);

/** Belongs to the session, the connection or the reply, not to the write. */
const NOT_OF_THE_WRITE: ReadonlySet<string> = new Set([
  '$db',
  '$clusterTime',
  '$readPreference',
  'lsid',
  'txnNumber',
  'stmtId',
  'stmtIds',
  'readConcern',
  'writeConcern',
  'maxTimeMS',
]);

/** Tells of a write outside transactions whether it would wait in the server for an open transaction. */
export class WriteProbe {
  readonly #control: MongoClient;

  constructor(control: MongoClient) {
    this.#control = control;
  }

  /**
   * Runs the write in a transaction that is aborted.
   *
   * @returns undefined if a transaction can't tell
   */
  async wouldWait(write: Fields): Promise<boolean | undefined> {
    const command = Object.fromEntries(Object.entries(write).filter(([name]) => !NOT_OF_THE_WRITE.has(name)));
    const session = this.#control.startSession();
    session.startTransaction();
    try {
      await this.#control.db(String(write['$db'])).command(command, { session });
      return false;
    } catch (error) {
      if (!(error instanceof MongoServerError)) throw error;
      return CANT_TELL.has(error.code) ? undefined : WOULD_WAIT.has(error.code);
    } finally {
      // Not `await using`, which Node.js 22 does not parse. Aborts the transaction too.
      await session.endSession();
    }
  }
}
