import { RotationError } from './errors.ts';
import type { FailureRule, RotationReason } from './failures.ts';
import type { IdKind } from './ids.ts';
import type { Pool } from './pool.ts';
import { isPlainObject, typeTagOf } from './type-tag.ts';
import { readErrorFields, type ErrorFields } from './upstream/error-fields.ts';
import { containsPhrase, normalize } from './upstream/phrases.ts';
import { retryAfterMs, type RetryHints } from './upstream/retry-after.ts';

/** What the upstream API answered, as far as it says something about the key. */
export interface UpstreamFailure extends RetryHints {
  /** HTTP status. */
  readonly status: number;
  /** The body: text or its bytes, or the parsed JSON. Default: empty. */
  readonly body?: unknown;
  /** What a Response of `fetch` has: its body is a stream, to be read before: `{ status, headers, body: await response.text() }`. */
  readonly bodyUsed?: never;
}

/** What to do with the key: rotate it, pause it for `coolDownMs` milliseconds (from 0 to a day), or nothing. */
export type FailureVerdict =
  | { readonly action: 'rotate'; readonly reason: RotationReason }
  | { readonly action: 'cool-down'; readonly coolDownMs: number }
  | { readonly action: 'none' };

/**
 * Says what an upstream answer means for the key that was used: the first of the pool's `failures.rules` that matches decides.
 *
 * Where the body is JSON, codes and markers are looked for in its error fields only, and never in what it repeats of the request:
 * otherwise each user of a service could have its keys rotated by a word in a prompt.
 *
 * @param now the time from which a date in `Retry-After` is counted. Default: the current time.
 * @throws RotationError `invalid-argument` if the status is no number, or the body neither text nor JSON
 */
export function classifyFailure(pool: Pool<IdKind>, failure: UpstreamFailure, now: Date = new Date()): FailureVerdict {
  requireFailure(failure);
  const { rules, coolDownMs } = pool.failures;
  const fields = readErrorFields(failure.body);
  const rule = rules.find((each) => matches(each, failure.status, fields));
  if (rule === undefined || rule.action === 'none') return { action: 'none' };
  if (rule.action === 'rotate') return { action: 'rotate', reason: rule.reason };
  return { action: 'cool-down', coolDownMs: retryAfterMs(failure, now) ?? rule.coolDownMs ?? coolDownMs };
}

function matches({ statuses, codes, markers }: FailureRule, status: number, fields: ErrorFields): boolean {
  if (!statuses.includes(status)) return false;
  if (codes === undefined && markers === undefined) return true;
  const said = [...fields.codes, ...fields.texts];
  return (
    (codes ?? []).some((code) => fields.codes.includes(normalize(code))) ||
    (markers ?? []).some((marker) => said.some((text) => containsPhrase(text, normalize(marker))))
  );
}

/** A failure that can't be read would mean nothing, and no key would ever be rotated. */
function requireFailure(failure: unknown): void {
  if (typeof failure !== 'object' || failure === null) refuse('the failure to be an object with a status', failure);
  const { status, body } = failure as { readonly status?: unknown; readonly body?: unknown };
  if (typeof status !== 'number') refuse('status to be a number', status);
  if (!isReadable(body)) refuse('body to be text or parsed JSON, as of await response.text()', body);
}

function refuse(expected: string, got: unknown): never {
  const type = typeof got === 'object' ? typeTagOf(got) : typeof got;
  throw new RotationError('invalid-argument', `Expected ${expected}, got ${type}`);
}

const NO_JSON = ['function', 'symbol', 'bigint'];

/** A stream of Node and a promise of another kind are recognized by their methods. */
function isReadable(body: unknown): boolean {
  if (typeof body !== 'object' || body === null || body instanceof Uint8Array) return !NO_JSON.includes(typeof body);
  if (Array.isArray(body)) return true;
  const { pipe, then } = body as { readonly pipe?: unknown; readonly then?: unknown };
  return isPlainObject(body) && typeof pipe !== 'function' && typeof then !== 'function';
}
