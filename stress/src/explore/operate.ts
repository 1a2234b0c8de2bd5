import { MongoServerError, type Db } from 'mongodb';
import type { Pool } from 'rotation-core';
import { keysOf } from 'rotation-core/parts';
import type { RunningFlow } from '../subjects/subject.ts';
import type { OperatorStep } from './scenarios/pair-scenario.ts';

const DUPLICATE_KEY = 11_000;

/** Does one step. @returns what the operator was told */
export async function operate(step: OperatorStep, db: Db, pool: Pool, { operator }: RunningFlow): Promise<string> {
  if (step.kind === 'add-key') {
    // A kept key gives way, a live one does not: the upsert then meets it.
    const { _id, ...document } = step.key;
    return keysOf(db, pool)
      .replaceOne({ _id, replacedBy: { $type: 'string' } }, document, { upsert: true })
      .then(
        () => 'added',
        (error: unknown) => {
          if (error instanceof MongoServerError && error.code === DUPLICATE_KEY) return 'still live';
          throw error;
        },
      );
  }
  if (operator === undefined) throw new TypeError('this flow has nothing for operators');
  const { kind } =
    step.kind === 'bind'
      ? await operator.bind({ proxyId: step.proxyId, keyId: step.keyId })
      : await operator.restoreBackup(step.backupId);
  return kind;
}
