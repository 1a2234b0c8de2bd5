import type { Db } from 'mongodb';
import type { Pool, Rotator } from 'rotation-core';
import type { FlowAnswer, OperatorCall } from '../model/rotation-types.ts';
import { writeAsOperator } from './operator-writes.ts';

/** The verbs of operators. */
export type Operator = Pick<Rotator, 'bind' | 'restoreBackup' | 'sweep' | 'findRotation'>;

/** Makes one call of an operator's. */
export async function operate(call: OperatorCall, db: Db, pool: Pool, operator: Operator): Promise<FlowAnswer> {
  switch (call.op) {
    case 'bind': {
      const outcome = await operator.bind({ proxyId: call.proxyId, keyId: call.keyId });
      return outcome.kind === 'not-found' ? outcome : { kind: outcome.kind, boundTo: outcome.keyId };
    }
    case 'restore': {
      const { kind } = await operator.restoreBackup(call.backupId);
      return { kind };
    }
    case 'sweep':
      return { kind: 'swept', ...(await operator.sweep()) };
    case 'find-rotation': {
      const found = await operator.findRotation(call.rotationId);
      return found === null ? { kind: 'unknown-rotation' } : { kind: 'found', ...found };
    }
    default:
      return writeAsOperator(call, db, pool);
  }
}
