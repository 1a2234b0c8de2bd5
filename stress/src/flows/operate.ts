import type { Db } from 'mongodb';
import type { Pool, Rotator } from 'rotation-core';
import type { FlowAnswer, OperatorCall } from '../model/rotation-types.ts';
import { toAnswer } from './answers.ts';
import { writeAsOperator } from './operator-writes.ts';

/** The verbs beside `rotate`. */
export type Operator = Pick<Rotator, 'bind' | 'restoreBackup' | 'sweep' | 'findRotation' | 'handleFailure'>;

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
    case 'handle-failure': {
      const outcome = await operator.handleFailure(
        { _id: call.keyId, ...call.used },
        { status: call.status, body: '' },
      );
      switch (outcome.kind) {
        case 'marked':
        case 'already-marked':
        case 'cooling-down':
        case 'unaffected':
          return { kind: outcome.kind };
        default:
          return toAnswer(outcome);
      }
    }
    default:
      return writeAsOperator(call, db, pool);
  }
}
