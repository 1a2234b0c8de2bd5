import type { Document } from 'mongodb';
import { classifyFailure, type UpstreamFailure } from '../classify-failure.ts';
import { isIncarnation, storedIncarnationOf, isLive, keysOf, type KeyDocument } from '../documents.ts';
import { marksOf, type RotationReason } from '../failures.ts';
import type { CallContext, RotatorContext } from '../flow/context.ts';
import { followEvidence } from '../flow/follow-evidence.ts';
import { retryCommand, retryTransaction } from '../flow/retry-transaction.ts';
import { ownIdsOf } from '../flow/own-ids.ts';
import { requireTransactions } from '../flow/require-transactions.ts';
import { requireKeyId, type StoredId } from '../ids.ts';
import { requireDeadline, requireNotAborted, type CallOptions, type RotateOptions } from '../options.ts';
import type { RotationOutcome } from '../outcomes.ts';
import { idKindOf, secretsOf, type Pool } from '../pool.ts';
import { readErrorFields } from '../upstream/error-fields.ts';
import { cleanText } from '../upstream/redact.ts';
import { runCall, type Consequences } from './run-call.ts';

/** The key document that a caller used, as it was read. */
export type UsedKey<Id = string> = Pick<KeyDocument<Id>, '_id' | 'incarnation' | 'createdAt'> &
  Partial<Pick<KeyDocument, 'apiKey'>>;

/** What is needed of it, with the text of its id. A document of an ODM can't be spread: its fields are getters. */
interface FailedKey {
  readonly _id: string;
  readonly incarnation: string | null;
  readonly createdAt: Date | undefined;
  readonly apiKey: string | undefined;
}

function requireKey(pool: Pool, key: Partial<UsedKey<unknown>> | null | undefined): FailedKey {
  const _id = requireKeyId('key._id', idKindOf(pool), key?._id);
  return { _id, incarnation: key?.incarnation ?? null, createdAt: key?.createdAt, apiKey: key?.apiKey };
}

/** The answer of `handleFailure`. The kinds of `rotate` mean what they mean there. */
export type FailureOutcome<Id = string> =
  | Exclude<RotationOutcome<Id>, { readonly kind: 'no-backup' }>
  /** The answer says nothing about the key. Nothing was changed. */
  | { readonly kind: 'unaffected'; readonly keyId: Id }
  /** The key rests until this time, by the server's clock. Another caller may have asked for a longer cool-down. */
  | { readonly kind: 'cooling-down'; readonly keyId: Id; readonly until: Date }
  /**
   * The key failed for good and there is no backup. It was marked, by this call or by an earlier one (`already-marked`); its
   * bindings stay. `until`: when it may be tried again; undefined where it needs a new secret.
   */
  | { readonly kind: 'marked' | 'already-marked'; readonly keyId: Id; readonly until: Date | undefined };

const MARKS: Consequences = {
  undone: 'Nothing was changed.',
  inDoubt: 'The key may have been written to: call it again, which does no harm.',
};

/**
 * Does what an upstream's answer means for the key that was used: nothing, a cool-down, or a rotation; and where there is no backup,
 * it marks the key. Nothing is ever written to a key that is not live any more, or that is live in another incarnation.
 *
 * @throws RotationError
 */
export async function handleFailure(
  context: RotatorContext,
  rotate: (keyId: string, options: RotateOptions) => Promise<RotationOutcome>,
  usedKey: UsedKey<unknown>,
  failure: UpstreamFailure,
  options: CallOptions,
): Promise<FailureOutcome> {
  const key = requireKey(context.pool, usedKey);
  const keyId = key._id;
  const deadlineAt = performance.now() + requireDeadline(options.deadlineMs ?? context.settings.deadlineMs);
  requireNotAborted(options.signal);
  const write = (run: (call: CallContext) => Promise<FailureOutcome>): Promise<FailureOutcome> => {
    const deadlineMs = Math.max(1, Math.ceil(deadlineAt - performance.now()));
    return runCall(context, 'handleFailure', MARKS, { ...options, deadlineMs }, run);
  };

  const verdict = classifyFailure(context.pool, failure);
  switch (verdict.action) {
    case 'none':
      return { kind: 'unaffected', keyId };
    case 'cool-down':
      return write((call) => coolDown(call, key, verdict.coolDownMs));
    case 'rotate': {
      const { reason } = verdict;
      const outcome = await rotate(keyId, { ...options, incarnation: storedIncarnationOf(key), reason });
      return outcome.kind === 'no-backup' ? write((call) => mark(call, key, reason, failure)) : outcome;
    }
  }
}

/** Lets the key rest. A cool-down only ever grows: of two callers at once, the one that asks for less changes nothing. */
async function coolDown(context: CallContext, key: FailedKey, coolDownMs: number): Promise<FailureOutcome> {
  const { coolDownField } = marksOf(context.pool.failures);
  const after = await updateLive(context, key, {}, { [coolDownField]: extended(coolDownField, coolDownMs) });
  if (after !== null) return { kind: 'cooling-down', keyId: key._id, until: after[coolDownField] as Date };
  const { outcome } = await findOut(context, key);
  return outcome ?? { kind: 'unaffected', keyId: key._id };
}

/**
 * Marks a key that failed while there was no backup. Many callers find that out at once, and the first of them marks the key: a mark that
 * is in force is left alone, with its time and its text.
 */
async function mark(
  context: CallContext,
  key: FailedKey,
  reason: RotationReason,
  failure: UpstreamFailure,
): Promise<FailureOutcome> {
  const { coolDownField, statusField, lastErrorField, statuses, exhaustedMs } = marksOf(context.pool.failures);
  const isMarkedAs = (status: string | number) => ({ $eq: [`$${statusField}`, { $literal: status }] });
  const isInForce = {
    $or: [
      isMarkedAs(statuses['auth-error']),
      { $and: [isMarkedAs(statuses.exhausted), { $gt: [dateIn(coolDownField), '$$NOW'] }] },
    ],
  };
  const fields =
    reason === 'exhausted'
      ? { [coolDownField]: extended(coolDownField, exhaustedMs) }
      : { [lastErrorField]: { $literal: describe(failure, secretsOf(context.pool, key._id, key.apiKey)) } };
  const after = await updateLive(
    context,
    key,
    { $expr: { $not: [isInForce] } },
    { [statusField]: { $literal: statuses[reason] }, ...fields },
  );
  const untilOf = (document: Document): Date | undefined =>
    document[statusField] === statuses.exhausted ? (document[coolDownField] as Date) : undefined;
  if (after !== null) return { kind: 'marked', keyId: key._id, until: untilOf(after) };
  const { outcome, live } = await findOut(context, key);
  return outcome ?? { kind: 'already-marked', keyId: key._id, until: untilOf(live) };
}

/** The field's time, also where a service wrote it as a number or a string; null where it is no time. */
const dateIn = (field: string): Document => ({
  $convert: { input: `$${field}`, to: 'date', onError: null, onNull: null },
});

/** By the server's clock: the clocks of several processes would not agree which of two cool-downs is longer. */
const extended = (field: string, ms: number): Document => ({ $max: [dateIn(field), { $add: ['$$NOW', ms] }] });

/**
 * Writes to the key if it is live in the incarnation that the caller used. One command and no transaction: any number of callers of
 * one key wait for each other inside the server, where transactions would conflict. A rotation of the key at the same moment conflicts with
 * it and tries again, or is committed first, and then the filter does not match.
 *
 * @returns the key after the write; null if the filter did not match.
 */
async function updateLive(
  context: CallContext,
  key: FailedKey,
  condition: Document,
  fields: Document,
): Promise<Document | null> {
  const { db, pool, call } = context;
  const { coolDownField, statusField } = marksOf(pool.failures);
  await retryCommand(context, () => requireTransactions(db));
  const isMeant = liveInIncarnation(ownIdsOf(context).stored(key._id), key);
  call.inDoubt = true;
  const after = await retryCommand(context, () =>
    keysOf(db, pool).findOneAndUpdate({ $and: [isMeant, condition] }, [{ $set: fields }], {
      returnDocument: 'after',
      projection: { [coolDownField]: 1, [statusField]: 1 },
      writeConcern: { w: 'majority' },
    }),
  );
  call.inDoubt = false;
  return after;
}

/** Matches what `storedIncarnationOf` names, while it is live. In a filter, null matches a missing field too. */
const liveInIncarnation = (_id: StoredId, { incarnation, createdAt }: FailedKey): Document => ({
  _id,
  replacedBy: null,
  incarnation,
  ...(isIncarnation(incarnation) ? {} : createdAtFilter(createdAt)),
});

/** Compares times, whatever they were written as: a key that a caller had from JSON has a string. */
const createdAtFilter = (createdAt: Date | undefined): Document =>
  createdAt === undefined || createdAt === null
    ? { createdAt: null }
    : { $expr: { $eq: [dateIn('createdAt'), new Date(createdAt)] } };

/** Finds out why a write matched no key: the key was replaced or removed, unless it is live and only a condition did not hold. */
async function findOut(
  context: CallContext,
  key: FailedKey,
): Promise<{ readonly outcome?: FailureOutcome; readonly live: Document }> {
  const keyId = key._id;
  const asked = { keyId, incarnation: storedIncarnationOf(key) };
  return retryTransaction(context, async (transaction) => {
    const { steps } = context.flow;
    const document = (await steps.readKeys(transaction, [keyId])).get(keyId);
    if (document !== undefined && isLive(document) && storedIncarnationOf(document) === asked.incarnation)
      return { live: document };
    const replacement = (await followEvidence(transaction, [asked], steps)).get(asked)?.replacement;
    if (replacement !== undefined) return { outcome: { kind: 'already-rotated', keyId, replacement }, live: {} };
    const outcome: FailureOutcome = isLive(document)
      ? { kind: 'other-incarnation', keyId, asked: asked.incarnation, live: storedIncarnationOf(document ?? {}) }
      : { kind: 'not-found', keyId };
    return { outcome, live: {} };
  });
}

/** The upstream's text, without credentials. */
function describe({ status, body }: UpstreamFailure, secrets: readonly string[]): string {
  const { sentences, codes } = readErrorFields(body);
  const text = [...sentences, ...codes].find((each) => each.trim() !== '') ?? `HTTP ${status}`;
  return cleanText(text, secrets);
}
