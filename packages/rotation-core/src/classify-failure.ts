import type { Pool, RotationReason } from './pool.ts';

/** An answer of the upstream API, as far as it tells something about the key. */
export interface UpstreamFailure {
  /** HTTP status. */
  readonly status: number;
  /** The body as text; markers are looked up in it without regard to case. */
  readonly body?: string;
  /** The `Retry-After` header: seconds, or an HTTP date. */
  readonly retryAfter?: string;
}

/** One line of a pool's rules: it fits when the status is listed and, where markers are given, the body has one of them. */
export interface FailureRule {
  /** HTTP statuses; absent: every status from 400. */
  readonly statuses?: readonly number[];
  /** Lower-case parts of a body; absent: any body. */
  readonly markers?: readonly string[];
  readonly reason: RotationReason;
}

export interface FailureRules {
  /** The first rule that fits decides. */
  readonly rotate: readonly FailureRule[];
  /** Cool-down after a 429 without a usable Retry-After, in milliseconds. */
  readonly coolDownMs: number;
}

export type FailureVerdict =
  | { readonly action: 'rotate'; readonly reason: RotationReason }
  | { readonly action: 'cool-down'; readonly coolDownMs: number }
  | { readonly action: 'none' };

/** What every upstream of this kind answers when a key has failed for good; a pool may put rules of its own before them. */
export const commonFailures: readonly FailureRule[] = [
  { statuses: [401], reason: 'auth-error' },
  { statuses: [402], reason: 'exhausted' },
  { markers: ['invalid api key', 'invalid_api_key', 'api key revoked', 'key has been revoked'], reason: 'auth-error' },
  { markers: ['billing', 'subscription ended', 'subscription has ended', 'subscription expired'], reason: 'exhausted' },
  { statuses: [403], reason: 'auth-error' },
];

const MS_PER_SECOND = 1_000;
/** All three forms begin with the name of a day. */
const HTTP_DATE = /^(Mon|Tues?|Wed(nes)?|Thu(rs)?|Fri|Sat(ur)?|Sun)(day)?,? /;

/** Says what a failure means for the key that was used: rotate it, let it cool down (429, never a rotation), or nothing. */
export function classifyFailure(pool: Pool, failure: UpstreamFailure, now: Date = new Date()): FailureVerdict {
  if (failure.status === 429)
    return { action: 'cool-down', coolDownMs: parseRetryAfterMs(failure.retryAfter, now) ?? pool.failures.coolDownMs };
  const body = failure.body?.toLowerCase() ?? '';
  const rule = pool.failures.rotate.find(
    ({ statuses, markers }) =>
      (statuses === undefined ? failure.status >= 400 : statuses.includes(failure.status)) &&
      (markers === undefined || markers.some((marker) => body.includes(marker))),
  );
  return rule === undefined ? { action: 'none' } : { action: 'rotate', reason: rule.reason };
}

function parseRetryAfterMs(retryAfter: string | undefined, now: Date): number | undefined {
  if (retryAfter === undefined) return undefined;
  if (/^\d{1,9}$/.test(retryAfter.trim())) return Number(retryAfter) * MS_PER_SECOND;
  // Date.parse alone takes "-5" and "1.5" for days long past, which would mean no cool-down at all.
  if (!HTTP_DATE.test(retryAfter.trim())) return undefined;
  const at = Date.parse(retryAfter);
  return Number.isNaN(at) ? undefined : Math.max(0, at - now.getTime());
}
