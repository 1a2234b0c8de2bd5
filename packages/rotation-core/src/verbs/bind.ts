import { bindingsOf, EXACT, isLive, type BindingDocument } from '../documents.ts';
import type { CallContext, RotatorContext } from '../flow/context.ts';
import { followEvidence } from '../flow/follow-evidence.ts';
import { findKeptByOldFlow } from '../flow/kept-by-old-flow.ts';
import { retryTransaction } from '../flow/retry-transaction.ts';
import { ownIdsOf, storedId } from '../flow/own-ids.ts';
import type { Transaction } from '../flow/transaction.ts';
import { requireAnyId, requireKeyId, type KeyId, type StoredId } from '../ids.ts';
import { idKindOf } from '../pool.ts';

/** A binding to add. */
export interface BindRequest<Id = string> {
  /** A text, or an id of any kind. */
  readonly proxyId: KeyId;
  readonly keyId: Id;
  /** Other fields of the binding, such as `priority`. `isActive` is true and `createdAt` is now, unless they are given here. */
  readonly fields?: Readonly<Record<string, unknown>>;
}

/** The answer of `bind`. */
export type BindOutcome<Id = string> =
  /** The proxy is bound to `keyId`, which is the asked key or its live successor; `already-bound`: it was before. */
  | { readonly kind: 'bound' | 'already-bound'; readonly keyId: Id }
  /** Neither the key nor a live successor of it exists. */
  | { readonly kind: 'not-found' };

/**
 * Binds a proxy to a key, or to the key's live successor. A plain insert at the moment of a rotation would leave the binding on
 * the retired key, because a rotation moves only the bindings that its snapshot holds:
 *
 *   rotation: reads k1 .......................... moves k1's bindings, commits
 *   writer:   ........ inserts a binding to k1
 *
 * So this writes to the key in the same transaction, first of all. One of the two then gets a write conflict and starts again. Calls for one key of one process
 * take turns, for they would conflict with each other.
 *
 * @throws RotationError
 */
export async function bind(
  context: CallContext,
  request: Partial<BindRequest<unknown>> | null | undefined,
): Promise<BindOutcome<StoredId>> {
  const proxy = requireAnyId('proxyId', request?.proxyId);
  const keyId = requireKeyId('keyId', idKindOf(context.pool), request?.keyId);
  const { steps } = context.flow;
  // What an earlier attempt has inserted, whose commit may have been in doubt: by now the key may have been put back, and be live itself.
  let inserted: { readonly _id: unknown; readonly keyId: StoredId } | undefined;
  const addBinding = async (transaction: Transaction): Promise<BindOutcome<StoredId>> => {
    await steps.touchKeys(transaction, [keyId]);
    if (inserted !== undefined && (await isThere(transaction, inserted._id)))
      return { kind: 'bound', keyId: inserted.keyId };
    const liveId = await findLive(transaction, keyId, steps);
    if (liveId === undefined) return { kind: 'not-found' };
    if (liveId !== keyId) await steps.touchKeys(transaction, [liveId]);
    const { db, pool, session } = transaction;
    const stored = ownIdsOf(transaction).stored(liveId);
    const proxyId = storedId(db, proxy) as unknown as BindingDocument['proxyId'];
    const target = { ...pool.ownBindings, proxyId, [pool.bindingKeyField]: stored };
    const existing = await bindingsOf(db, pool).findOne(target, { session, projection: { _id: 1 }, collation: EXACT });
    if (existing !== null) return { kind: 'already-bound', keyId: stored };
    const { insertedId } = await bindingsOf(db, pool).insertOne(
      { isActive: true, createdAt: new Date(), ...request?.fields, ...target },
      { session },
    );
    inserted = { _id: insertedId, keyId: stored };
    return { kind: 'bound', keyId: stored };
  };
  return context.turns.take([keyId], context.call.ended, () => retryTransaction(context, addBinding));
}

async function isThere({ db, pool, session }: Transaction, bindingId: unknown): Promise<boolean> {
  const found = await bindingsOf(db, pool).findOne({ _id: bindingId as never }, { session, projection: { _id: 1 } });
  return found !== null;
}

async function findLive(
  transaction: Transaction,
  keyId: string,
  steps: RotatorContext['flow']['steps'],
): Promise<string | undefined> {
  const keys = await steps.readKeys(transaction, [keyId]);
  const kept = (await findKeptByOldFlow(transaction, keys, steps)).get(keyId);
  if (kept !== undefined) return kept.replacement;
  if (isLive(keys.get(keyId))) return keyId;
  const ended = { keyId, incarnation: undefined };
  return (await followEvidence(transaction, [ended], steps)).get(ended)?.replacement;
}
