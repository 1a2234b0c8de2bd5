import { MongoServerError, type ClientSession, type Db } from 'mongodb';
import type { KeyDocument, Pool } from 'rotation-core';
import { backupsOf, bindingsOf, keysOf } from 'rotation-core/testing';
import type { FlowAnswer, WriteCall } from '../model/rotation-types.ts';
import { MAJORITY } from './majority.ts';

const DUPLICATE_KEY = 11_000;

type Write<Op extends WriteCall['op']> = Extract<WriteCall, { readonly op: Op }>;

/** Makes one write of an operator's, as a service's scripts and its pages for operators make it. */
export async function writeAsOperator(call: WriteCall, db: Db, pool: Pool): Promise<FlowAnswer> {
  switch (call.op) {
    case 'add-key':
      return addKey(call, db, pool);
    case 'put-back':
      return putBack(call, db, pool);
    case 'delete-key':
      return deletedBy(await keysOf(db, pool).deleteOne({ _id: call.keyId, replacedBy: { $exists: false } }));
    case 'add-backup':
      return addBackup(call, db, pool);
    case 'delete-backup':
      return deletedBy(await backupsOf(db, pool).deleteOne({ _id: call.backupId, isUsed: call.isUsed }));
    case 'insert-binding':
      await bindingsOf(db, pool).insertOne({
        proxyId: call.proxyId,
        [pool.bindingKeyField]: call.keyId,
        isActive: true,
        createdAt: new Date(),
      });
      return { kind: 'added' };
  }
}

const deletedBy = ({ deletedCount }: { readonly deletedCount: number }): FlowAnswer => ({
  kind: deletedCount === 0 ? 'no-match' : 'deleted',
});

const healthyKey = (keyId: string, createdAt: string): Omit<KeyDocument, '_id'> => ({
  apiKey: `key of ${keyId}`,
  status: 'healthy',
  createdAt: new Date(createdAt),
});

/** A kept key gives way, a live one does not: the upsert then meets it. */
const addKey = ({ keyId, createdAt }: Write<'add-key'>, db: Db, pool: Pool): Promise<FlowAnswer> =>
  orDuplicate('still-live', async () => {
    const filter = { _id: keyId, replacedBy: { $type: 'string' } } as const;
    await keysOf(db, pool).replaceOne(filter, healthyKey(keyId, createdAt), { upsert: true });
    return { kind: 'added' };
  });

/**
 * Looks in one transaction whether the id is that of a backup, and writes what `restoreBackup` writes at the same moment: the kept key, and where
 * no key was kept, the used backup, which goes. With a look alone, the backup could be free and a live key in the end.
 */
function putBack({ keyId, createdAt }: Write<'put-back'>, db: Db, pool: Pool): Promise<FlowAnswer> {
  const put = async (session: ClientSession): Promise<FlowAnswer> => {
    const keys = keysOf(db, pool);
    const backup = await backupsOf(db, pool).findOne({ _id: keyId }, { session });
    if (backup?.isUsed === false) return { kind: 'free-backup' };
    const key = await keys.findOne({ _id: keyId }, { session });
    if (key === null) {
      await backupsOf(db, pool).deleteOne({ _id: keyId }, { session });
      await keys.insertOne({ _id: keyId, ...healthyKey(keyId, createdAt) }, { session });
    } else {
      if (key.replacedBy === undefined) return { kind: 'still-live' };
      await keys.replaceOne({ _id: keyId }, healthyKey(keyId, createdAt), { session });
    }
    return { kind: 'added' };
  };
  return orDuplicate('still-live', () =>
    db.client.withSession((session) => session.withTransaction(() => put(session), MAJORITY)),
  );
}

const addBackup = ({ backupId }: Write<'add-backup'>, db: Db, pool: Pool): Promise<FlowAnswer> =>
  orDuplicate('exists', async () => {
    const free = {
      _id: backupId,
      apiKey: `key of ${backupId}`,
      isUsed: false,
      activated: false,
      createdAt: new Date(),
    };
    await backupsOf(db, pool).insertOne(free);
    return { kind: 'added' };
  });

async function orDuplicate(kind: 'still-live' | 'exists', write: () => Promise<FlowAnswer>): Promise<FlowAnswer> {
  try {
    return await write();
  } catch (error) {
    if (error instanceof MongoServerError && error.code === DUPLICATE_KEY) return { kind };
    throw error;
  }
}
