import { referenceFlow, type FlowParts, type Steps, type Transaction } from 'rotation-core/testing';
import { openRotator } from '../open-rotator.ts';
import type { RotationFlow } from '../rotation-flow.ts';

/**
 * The reference flow with some steps replaced, and a transaction for each caller: coalescing would hide most races.
 *
 * @param steps or what makes them, where each opened flow needs its own
 */
export const openWithSteps = (
  steps: Partial<Steps> | (() => Partial<Steps>),
  { coalesce = false }: { readonly coalesce?: boolean } = {},
): RotationFlow['open'] =>
  openRotator(
    () => ({ ...referenceFlow, steps: { ...referenceFlow.steps, ...(typeof steps === 'function' ? steps() : steps) } }),
    { coalesce },
  );

/** The reference flow with something around it, or around some of its steps; a transaction for each caller. */
export const openWithBatch = (rotateBatch: FlowParts['rotateBatch']): RotationFlow['open'] =>
  openRotator(() => ({ ...referenceFlow, rotateBatch }), { coalesce: false });

/** Runs a step beside the transaction, in a session that has none: it sees what is committed, and nothing undoes it. */
export async function besideTransaction<T>(
  transaction: Transaction,
  step: (beside: Transaction) => Promise<T>,
): Promise<T> {
  await using session = transaction.db.client.startSession({ causalConsistency: false });
  return await step({ ...transaction, session });
}
