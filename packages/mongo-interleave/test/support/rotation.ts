import type { Db } from 'mongodb';
import type { FlowClient, InterleaveOptions, Outcome } from '../../src/index.ts';

/* Two small rotations of one key, the failed one `k1`, to explore: one loses backups, one does not. */

interface Key {
  readonly _id: string;
  readonly apiKey: string;
}
interface Backup extends Key {
  readonly isUsed: boolean;
}
interface Binding {
  readonly keyId: string;
  readonly proxyId: string;
}

const collectionsOf = (db: Db) => ({
  keys: db.collection<Key>('keys'),
  backups: db.collection<Backup>('backups'),
  bindings: db.collection<Binding>('bindings'),
});

/** Makes collections and indexes; the data comes with each reset. */
export async function createCollections(db: Db): Promise<void> {
  for (const name of ['keys', 'backups', 'bindings']) await db.createCollection(name);
  await db.collection('bindings').createIndex({ keyId: 1 });
}

async function reset(db: Db): Promise<void> {
  const { keys, backups, bindings } = collectionsOf(db);
  await Promise.all([keys.deleteMany({}), backups.deleteMany({}), bindings.deleteMany({})]);
  await Promise.all([
    keys.insertOne({ _id: 'k1', apiKey: 'secret-k1' }),
    backups.insertMany(['b1', 'b2', 'b3', 'b4'].map((_id) => ({ _id, apiKey: `secret-${_id}`, isUsed: false }))),
    bindings.insertOne({ keyId: 'k1', proxyId: 'p1' }),
  ]);
}

/** Looks if the key is there, and claims before it knows that it is the one who rotates. */
export async function checkedClaim(_client: FlowClient, db: Db): Promise<string> {
  const { keys, backups, bindings } = collectionsOf(db);
  if ((await keys.findOne({ _id: 'k1' })) === null) return 'already-rotated';
  const backup = await backups.findOneAndUpdate({ isUsed: false }, { $set: { isUsed: true, usedFor: 'k1' } });
  if (backup === null) return 'no-backup';
  await bindings.deleteMany({ keyId: 'k1' });
  if ((await keys.deleteOne({ _id: 'k1' })).deletedCount === 0) return 'already-rotated'; // and the backup is wasted
  await keys.insertOne({ _id: backup._id, apiKey: backup.apiKey });
  await bindings.insertOne({ keyId: backup._id, proxyId: 'p1' });
  return 'rotated';
}

const MAX_ATTEMPTS = 20;

/** The same in a transaction, the delete first: it is the lock. Each client has a backup of its own in mind. */
export async function inTransaction({ index, mongo }: FlowClient, db: Db): Promise<string> {
  const { keys, backups, bindings } = collectionsOf(db);
  const candidate = `b${index + 1}`;
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    await using session = mongo.startSession({ causalConsistency: false });
    try {
      session.startTransaction({ readConcern: { level: 'majority' }, writeConcern: { w: 'majority' } });
      if ((await keys.findOneAndDelete({ _id: 'k1' }, { session })) === null) {
        await session.abortTransaction();
        return 'already-rotated';
      }
      await backups.updateOne(
        { _id: candidate, isUsed: false },
        { $set: { isUsed: true, usedFor: 'k1' } },
        { session },
      );
      await keys.insertOne({ _id: candidate, apiKey: `secret-${candidate}` }, { session });
      await bindings.updateMany({ keyId: 'k1' }, { $set: { keyId: candidate } }, { session });
      await session.commitTransaction();
      return 'rotated';
    } catch (error) {
      if (session.inTransaction()) await session.abortTransaction();
      if (!isTransient(error)) throw error;
    }
  }
  return 'busy';
}

const isTransient = (error: unknown): boolean =>
  error instanceof Error &&
  'hasErrorLabel' in error &&
  (error as TransientError).hasErrorLabel('TransientTransactionError');

interface TransientError {
  hasErrorLabel(label: string): boolean;
}

/** Exactly one backup is used up, by exactly one caller. */
async function checkRotatedOnce(db: Db, outcomes: readonly Outcome<string>[]): Promise<void> {
  const used = await collectionsOf(db).backups.countDocuments({ isUsed: true });
  const rotated = outcomes.filter((outcome) => outcome.kind === 'returned' && outcome.value === 'rotated').length;
  if (used !== 1 || rotated !== 1) throw new Error(`${used} backups used, ${rotated} callers rotated`);
}

export const rotationScenario: Pick<InterleaveOptions<string>, 'reset' | 'check' | 'showResults'> = {
  reset,
  check: checkRotatedOnce,
  showResults: true,
};
