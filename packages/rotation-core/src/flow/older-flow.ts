import { maxOlderFlowMsOf } from '../pool.ts';
import type { Steps } from './steps/index.ts';
import type { Transaction } from './transaction.ts';

/** Ends a transaction that would rotate a key which an older flow is rotating. The next one finds out what became of that. */
export class OlderFlowUnderWay extends Error {
  override readonly name = 'OlderFlowUnderWay';

  constructor() {
    super('A flow of another kind has claimed a backup for the key, and has not made it a key yet');
  }
}

/** A key that would be rotated, or be told to be nowhere. */
export interface Wanted {
  readonly keyId: string;
  /** When its incarnation began, if that is known. A claim before that time was made for an earlier incarnation. */
  readonly begunAt: Date | undefined;
}

/**
 * Older flows, which have no transactions, claim first and make the key later:
 *
 *   old flow: claims b1 for k1 ................................. deletes k1, makes b1 a key
 *   rotation: ................ finds k1 live, and no key b1
 *
 * So a young claim without a rotationId, which has led to no live key, is waited for. A flow that died meanwhile costs that time, and its backup.
 *
 * @throws OlderFlowUnderWay
 */
export async function expectNoOlderFlow(
  transaction: Transaction,
  wanted: readonly Wanted[],
  steps: Steps,
): Promise<void> {
  const maxAgeMs = maxOlderFlowMsOf(transaction.pool);
  if (wanted.length === 0 || maxAgeMs === 0) return;
  const claims = await steps.readOlderClaims(
    transaction,
    wanted.map(({ keyId }) => keyId),
    maxAgeMs,
  );
  for (const { usedFor, usedAt } of claims) {
    const { begunAt } = wanted.find(({ keyId }) => keyId === usedFor) ?? {};
    if (begunAt === undefined || usedAt >= begunAt) throw new OlderFlowUnderWay();
  }
}
