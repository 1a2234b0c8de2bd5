import type { Db, WithId } from 'mongodb';
import type { BackupDocument, BindingDocument, Pool } from 'rotation-core';
import { backupsOf, bindingsOf, keysOf } from 'rotation-core/testing';
import type { FlowAnswer } from '../../model/rotation-types.ts';
import { toError } from '../answers.ts';
import type { RotationFlow, RotationObserver } from '../rotation-flow.ts';

/** The single statements that the services' old flows are made of, and others that do without a transaction: no session. */
export interface OldSteps {
  keyExists(keyId: string): Promise<boolean>;
  /** @returns false while somebody else has leased the key, and when it is gone. */
  leaseKey(keyId: string, leaseMs: number): Promise<boolean>;
  /** @returns false when the key has an intent already, and when it is gone. */
  writeIntent(keyId: string): Promise<boolean>;
  withdrawIntent(keyId: string): Promise<void>;
  /** The backup that was claimed for a key. */
  findClaim(keyId: string): Promise<BackupDocument | null>;
  readFreeBackup(): Promise<BackupDocument | null>;
  /** Takes any free backup; `null` when there is none. */
  claimBackup(keyId: string): Promise<BackupDocument | null>;
  markUsed(backupId: string, keyId: string): Promise<void>;
  /** Makes a claimed backup free again. */
  giveBack(backupId: string): Promise<void>;
  takeBindings(keyId: string): Promise<readonly WithId<BindingDocument>[]>;
  /** @returns false when it was gone already. */
  deleteKey(keyId: string): Promise<boolean>;
  setExhausted(keyId: string): Promise<void>;
  insertKey(backup: BackupDocument): Promise<void>;
  /** Does nothing when it is there already. */
  ensureKey(backup: BackupDocument): Promise<void>;
  createBindings(bindings: readonly WithId<BindingDocument>[], keyId: string): Promise<void>;
  moveBindings(from: string, to: string): Promise<void>;
}

function oldSteps(db: Db, pool: Pool, caller: number, observer: RotationObserver): OldSteps {
  const keys = keysOf(db, pool);
  const backups = backupsOf(db, pool);
  const bindings = bindingsOf(db, pool);
  const newKey = ({ apiKey }: BackupDocument) =>
    ({ apiKey, status: 'healthy', tokensUsed: 0, requestsCount: 0, createdAt: new Date() }) as const;
  const used = (keyId: string) => ({ $set: { isUsed: true, usedAt: new Date(), usedFor: keyId } });
  return {
    keyExists: async (keyId) => (await keys.findOne({ _id: keyId })) !== null,
    leaseKey: async (keyId, leaseMs) => {
      const isFree = { $or: [{ leasedUntil: { $exists: false } }, { leasedUntil: { $lt: new Date() } }] };
      const lease = { $set: { leasedUntil: new Date(Date.now() + leaseMs) } };
      return (await keys.updateOne({ _id: keyId, ...isFree }, lease)).modifiedCount === 1;
    },
    writeIntent: async (keyId) => {
      const filter = { _id: keyId, isRotating: { $exists: false } };
      return (await keys.updateOne(filter, { $set: { isRotating: true } })).modifiedCount === 1;
    },
    withdrawIntent: async (keyId) => {
      await keys.updateOne({ _id: keyId }, { $unset: { isRotating: '' } });
    },
    findClaim: (keyId) => backups.findOne({ isUsed: true, usedFor: keyId }),
    readFreeBackup: () => backups.findOne({ isUsed: false }),
    claimBackup: async (keyId) => {
      const backup = await backups.findOneAndUpdate({ isUsed: false }, used(keyId));
      if (backup !== null) observer.claimed({ keyId, backupId: backup._id, caller });
      return backup;
    },
    markUsed: async (backupId, keyId) => {
      await backups.updateOne({ _id: backupId }, used(keyId));
      observer.claimed({ keyId, backupId, caller });
    },
    giveBack: async (backupId) => {
      await backups.updateOne({ _id: backupId }, { $set: { isUsed: false }, $unset: { usedAt: '', usedFor: '' } });
    },
    takeBindings: async (keyId) => {
      const taken = await bindings.find({ [pool.bindingKeyField]: keyId }).toArray();
      await bindings.deleteMany({ [pool.bindingKeyField]: keyId });
      return taken;
    },
    deleteKey: async (keyId) => (await keys.deleteOne({ _id: keyId })).deletedCount === 1,
    setExhausted: async (keyId) => {
      await keys.updateOne({ _id: keyId }, { $set: { status: 'exhausted' } });
    },
    insertKey: async (backup) => {
      await keys.insertOne({ _id: backup._id, ...newKey(backup) });
    },
    ensureKey: async (backup) => {
      await keys.updateOne({ _id: backup._id }, { $setOnInsert: newKey(backup) }, { upsert: true });
    },
    createBindings: async (taken, keyId) => {
      if (taken.length > 0)
        await bindings.insertMany(taken.map((binding) => ({ ...binding, [pool.bindingKeyField]: keyId })));
    },
    moveBindings: async (from, to) => {
      await bindings.updateMany({ [pool.bindingKeyField]: from }, { $set: { [pool.bindingKeyField]: to } });
    },
  };
}

/** Runs an old flow, one call for each caller. */
export const openOldFlow =
  (flow: (keyId: string, steps: OldSteps) => Promise<FlowAnswer>): RotationFlow['open'] =>
  (db, pool, observer) => ({
    call: async (caller, call) => {
      if (call.op !== 'rotate') throw new TypeError(`an old flow has no ${call.op}`);
      return await flow(call.keyId, oldSteps(db, pool, caller, observer)).catch(toError);
    },
  });
