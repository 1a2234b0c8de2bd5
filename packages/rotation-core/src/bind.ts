import type { RotatorContext } from './context.ts';
import { bindingsOf, isLive } from './documents.ts';
import { followEvidence } from './follow-evidence.ts';
import { findKeptByOldFlow } from './kept-by-old-flow.ts';
import { requireId } from './options.ts';
import { retryTransaction } from './retry-transaction.ts';
import type { Transaction } from './rotation.ts';
import { touchKeys } from './touch-keys.ts';

export interface BindRequest {
  readonly proxyId: string;
  readonly keyId: string;
  /** Other fields of the binding, such as `priority`. Default: `isActive: true` and `createdAt` now. */
  readonly fields?: Readonly<Record<string, unknown>>;
}

export type BindOutcome =
  /** The proxy is bound to `keyId`: the asked key, or its live successor. */
  | { readonly kind: 'bound' | 'already-bound'; readonly keyId: string }
  /** Neither the key nor a live successor of it exists. */
  | { readonly kind: 'not-found' };

/**
 * Adds a binding. A plain insert at the moment of a rotation would stay on the retired key, for a transaction moves only the
 * bindings that its snapshot holds:
 *
 *   rotation: reads k1 .... moves k1's bindings, commits
 *   writer:   ............. inserts a binding to k1
 *
 * So this writes to the key in the same transaction: one of the two then meets a conflict and starts again.
 *
 * @throws RotationError
 */
export async function bind(context: RotatorContext, { proxyId, keyId, fields }: BindRequest): Promise<BindOutcome> {
  requireId('proxyId', proxyId);
  requireId('keyId', keyId);
  return retryTransaction(context, async (transaction): Promise<BindOutcome> => {
    const liveId = await findLive(transaction, keyId, context.flow.steps);
    if (liveId === undefined) return { kind: 'not-found' };
    const { db, pool, session } = transaction;
    const target = { proxyId, [pool.bindingKeyField]: liveId };
    await touchKeys(transaction, [liveId]);
    const existing = await bindingsOf(db, pool).findOne(target, { session, projection: { _id: 1 } });
    if (existing !== null) return { kind: 'already-bound', keyId: liveId };
    await bindingsOf(db, pool).insertOne({ isActive: true, createdAt: new Date(), ...fields, ...target }, { session });
    return { kind: 'bound', keyId: liveId };
  });
}

async function findLive(
  transaction: Transaction,
  keyId: string,
  steps: RotatorContext['flow']['steps'],
): Promise<string | undefined> {
  const keys = await steps.readKeys(transaction, [keyId]);
  const kept = (await findKeptByOldFlow(transaction, [...keys.values()], steps)).get(keyId);
  if (kept !== undefined) return kept.replacement;
  if (isLive(keys.get(keyId))) return keyId;
  const life = { keyId, incarnation: undefined };
  return (await followEvidence(transaction, [life], steps)).get(life)?.replacement;
}
