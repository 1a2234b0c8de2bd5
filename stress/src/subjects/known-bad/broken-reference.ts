import { referenceFlow, type Flow, type Steps, type Transaction } from 'rotation-core/parts';
import { openRotator } from '../rotator-subject.ts';
import type { Subject } from '../subject.ts';

/** The reference flow with some steps replaced, and a transaction for each caller: coalescing would hide most races. */
export const openWithSteps = (steps: Partial<Steps>): Subject['open'] =>
  openRotator(() => ({ ...referenceFlow, steps: { ...referenceFlow.steps, ...steps } }), { coalesce: false });

/** The reference flow with something around it, or around some of its steps; a transaction for each caller. */
export const openWithBatch = (rotateBatch: Flow['rotateBatch']): Subject['open'] =>
  openRotator(() => ({ ...referenceFlow, rotateBatch }), { coalesce: false });

/** Runs a step beside the transaction, in a session that has none: it sees what is committed, and nothing undoes it. */
export async function besideTransaction<T>(
  transaction: Transaction,
  step: (beside: Transaction) => Promise<T>,
): Promise<T> {
  await using session = transaction.db.client.startSession({ causalConsistency: false });
  return await step({ ...transaction, session });
}
