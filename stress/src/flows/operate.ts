import { MongoServerError, type Db } from 'mongodb';
import type { Pool, Rotator } from 'rotation-core';
import { keysOf } from 'rotation-core/testing';
import type { FlowAnswer, OperatorCall } from '../model/rotation-types.ts';

const DUPLICATE_KEY = 11_000;

/** The verbs of operators. */
export type Operator = Pick<Rotator, 'bind' | 'restoreBackup'>;

/** Makes one call of an operator's. */
export async function operate(call: OperatorCall, db: Db, pool: Pool, operator: Operator): Promise<FlowAnswer> {
  switch (call.op) {
    case 'bind': {
      const { kind } = await operator.bind({ proxyId: call.proxyId, keyId: call.keyId });
      return { kind };
    }
    case 'restore': {
      const { kind } = await operator.restoreBackup(call.backupId);
      return { kind };
    }
    case 'add-key':
      return addKey(call, db, pool);
  }
}

/** A kept key gives way, a live one does not: the upsert then meets it. */
async function addKey(
  { keyId, createdAt }: Extract<OperatorCall, { op: 'add-key' }>,
  db: Db,
  pool: Pool,
): Promise<FlowAnswer> {
  const document = { apiKey: `key of ${keyId}`, status: 'healthy', createdAt: new Date(createdAt) } as const;
  try {
    await keysOf(db, pool).replaceOne({ _id: keyId, replacedBy: { $type: 'string' } }, document, { upsert: true });
    return { kind: 'added' };
  } catch (error) {
    if (error instanceof MongoServerError && error.code === DUPLICATE_KEY) return { kind: 'still-live' };
    throw error;
  }
}
