import type { Document } from 'mongodb';
import { classifyFailure, type UpstreamFailure } from '../classify-failure.ts';
import {
  EXACT,
  isIncarnation,
  isLive,
  keysOf,
  storedIncarnationOf,
  timeOf,
  type IncarnationFields,
  type StoredKey,
} from '../documents.ts';
import { RotationError } from '../errors.ts';
import { marksOf, type RotationReason } from '../failures.ts';
import type { CallContext, RotatorContext } from '../flow/context.ts';
import { followEvidence } from '../flow/follow-evidence.ts';
import { retryCommand, retryTransaction } from '../flow/retry-transaction.ts';
import { ownIdsOf } from '../flow/own-ids.ts';
import { requireTransactions } from '../flow/require-transactions.ts';
import { requireKeyId } from '../ids.ts';
import { requireDeadline, requireNotAborted, type CallOptions, type RotateOptions } from '../options.ts';
import type { RotationOutcome } from '../outcomes.ts';
import { idKindOf, type AnyPool } from '../pool.ts';
import { secretsOf } from '../secret-texts.ts';
import { readErrorFields } from '../upstream/error-fields.ts';
import { cleanText } from '../upstream/redact.ts';
import { runCall, type Consequences } from './run-call.ts';

/** The key document that a caller used, as it was read: by any driver or ODM, or from JSON. */
export interface UsedKey<Id = string> extends IncarnationFields {
  readonly _id: Id;
  /** Is kept out of what is written and reported. */
  readonly apiKey?: unknown;
}

/** What is needed of it. A document of an ODM can't be spread: its fields are getters. */
interface FailedKey {
  readonly _id: string;
  /** As `storedIncarnationOf` names it. */
  readonly incarnation: string;
  readonly apiKey: unknown;
  /** Matches the fields that name the incarnation. */
  readonly filter: Document;
}

function requireKey(pool: AnyPool, key: Partial<UsedKey<unknown>> | null | undefined): FailedKey {
  const _id = requireKeyId('key._id', idKindOf(pool), key?._id);
  const fields: IncarnationFields = { incarnation: key?.incarnation, createdAt: key?.createdAt };
  return { _id, incarnation: storedIncarnationOf(fields), apiKey: key?.apiKey, filter: filterByCaller(fields) };
}

/**
 * Matches the values that a key has where they were read as they are, and those of most keys from JSON, which have a text for a date. Nothing
 * is said by a filter that does not match: the database may have the same time in another form.
 */
function filterByCaller({ incarnation, createdAt }: IncarnationFields): Document {
  if (isIncarnation(incarnation)) return { incarnation: { $eq: incarnation } };
  return {
    incarnation: { $in: [null, ...plainOf(incarnation)] },
    createdAt: { $in: [timeOf(createdAt) ?? null, ...plainOf(createdAt)] },
  };
}

/** A value of a class could be of another copy of BSON, which the driver refuses to write. */
const plainOf = (value: unknown): readonly unknown[] =>
  ['string', 'number', 'bigint'].includes(typeof value) ? [value] : [];

/** In a filter, null matches a missing field too. */
const filterByStored = ({ incarnation, createdAt }: IncarnationFields): Document => ({
  incarnation: { $eq: incarnation ?? null },
  createdAt: { $eq: createdAt ?? null },
});

/** The answer of `handleFailure`. The kinds of `rotate` mean what they mean there. */
export type FailureOutcome<Id = string> =
  | Exclude<RotationOutcome<Id>, { readonly kind: 'no-backup' }>
  /** The answer says nothing about the key. Nothing was changed. */
  | { readonly kind: 'unaffected'; readonly keyId: Id | string }
  /** The key rests until this time, by the server's clock. Another caller may have asked for a longer cool-down. */
  | { readonly kind: 'cooling-down'; readonly keyId: Id | string; readonly until: Date }
  /**
   * The key failed for good and there is no backup. It was marked, by this call or by an earlier one (`already-marked`); its
   * bindings stay. `until`: when it may be tried again; undefined where it needs a new secret.
   */
  | { readonly kind: 'marked' | 'already-marked'; readonly keyId: Id | string; readonly until: Date | undefined };

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
      const outcome = await rotate(keyId, { ...options, incarnation: key.incarnation, reason });
      if (outcome.kind !== 'no-backup') return outcome;
      const marked = await write((call) => mark(call, key, reason, failure));
      if (marked.kind === 'marked')
        context.emit({ type: 'marked', pool: context.pool.name, keyId, until: marked.until });
      return marked;
    }
  }
}

/** Lets the key rest. A cool-down only ever grows: of two callers at once, the one that asks for less changes nothing. */
async function coolDown(context: CallContext, key: FailedKey, coolDownMs: number): Promise<FailureOutcome> {
  const { coolDownField } = marksOf(context.pool.failures);
  const until = extended(coolDownField, coolDownMs);
  const written = await updateLive(context, key, { [coolDownField]: until }, { until });
  return written.kind === 'written'
    ? { kind: 'cooling-down', keyId: key._id, until: written.before['until'] as Date }
    : written;
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
      : { [lastErrorField]: { $literal: describe(failure, await readSecrets(context, key)) } };
  const marked = { [statusField]: { $literal: statuses[reason] }, ...fields };
  const written = await updateLive(
    context,
    key,
    Object.fromEntries(
      // A missing field stays missing.
      Object.entries(marked).map(([name, value]) => [
        name,
        { $cond: [isInForce, { $ifNull: [`$${name}`, '$$REMOVE'] }, value] },
      ]),
    ),
    {
      isInForce,
      until: {
        $cond: [
          isInForce,
          { $cond: [isMarkedAs(statuses.exhausted), dateIn(coolDownField), null] },
          reason === 'exhausted' ? fields[coolDownField] : null,
        ],
      },
    },
  );
  if (written.kind !== 'written') return written;
  const { before } = written;
  const until = (before['until'] as Date | null) ?? undefined;
  return { kind: before['isInForce'] === true ? 'already-marked' : 'marked', keyId: key._id, until };
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
 * Whether a key is in an incarnation is decided here and in rotations alike, by the values as they are stored. Where the filter by the caller's
 * values does not match, the key is read, and the write is made with a filter by what was read.
 *
 * @param told expressions over the key as it was before
 * @returns their values; or the answer, where the key was not live in this incarnation
 */
async function updateLive(
  context: CallContext,
  key: FailedKey,
  fields: Document,
  told: Document,
): Promise<FailureOutcome | { readonly kind: 'written'; readonly before: Document }> {
  const { db, pool, call, settings } = context;
  await retryCommand(context, () => requireTransactions(db));
  const _id = ownIdsOf(context).stored(key._id);
  let { filter } = key;
  for (let attempt = 1; attempt <= settings.maxAttempts; attempt++) {
    const isMeant = { _id, replacedBy: null, ...filter };
    call.inDoubt = true;
    const before = await retryCommand(context, () =>
      keysOf(db, pool).findOneAndUpdate(isMeant, [{ $set: fields }], {
        returnDocument: 'before',
        projection: { _id: 0, ...told },
        collation: EXACT,
        writeConcern: { w: 'majority' },
      }),
    );
    call.inDoubt = false;
    if (before !== null) return { kind: 'written', before };
    const found = await findOut(context, key);
    if (found.kind !== 'live') return found;
    filter = filterByStored(found.key);
  }
  throw new RotationError(
    'database',
    'handleFailure: other writers changed createdAt or incarnation of the key again and again',
  );
}

/** Finds out why a write matched no key: the key was replaced or removed, unless its fields have other values than the filter. */
async function findOut(
  context: CallContext,
  { _id: keyId, incarnation }: FailedKey,
): Promise<FailureOutcome | { readonly kind: 'live'; readonly key: StoredKey }> {
  const asked = { keyId, incarnation };
  return retryTransaction(context, async (transaction) => {
    const { steps } = context.flow;
    const key = (await steps.readKeys(transaction, [keyId])).get(keyId);
    if (key !== undefined && isLive(key) && storedIncarnationOf(key) === incarnation) return { kind: 'live', key };
    const replacement = (await followEvidence(transaction, [asked], steps)).get(asked)?.replacement;
    if (replacement !== undefined) return { kind: 'already-rotated', keyId, replacement };
    return isLive(key)
      ? { kind: 'other-incarnation', keyId, asked: incarnation, live: storedIncarnationOf(key ?? {}) }
      : { kind: 'not-found', keyId };
  });
}

/** What the text of an upstream may repeat: the caller's document may lack the field that holds the credential. */
async function readSecrets(context: CallContext, { _id, apiKey }: FailedKey): Promise<readonly string[]> {
  const { db, pool } = context;
  await retryCommand(context, () => requireTransactions(db));
  const stored = await retryCommand(context, () => keysOf(db, pool).findOne({ _id: ownIdsOf(context).stored(_id) }));
  return secretsOf(pool, _id, { ...stored }, { apiKey });
}

/** The upstream's text, without credentials. */
function describe({ status, body }: UpstreamFailure, secrets: readonly string[]): string {
  const { sentences, codes } = readErrorFields(body);
  const text = [...sentences, ...codes].find((each) => each.trim() !== '') ?? `HTTP ${status}`;
  return cleanText(text, secrets);
}
