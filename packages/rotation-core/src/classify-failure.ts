import type { Pool, RotationReason } from './pool.ts';

/** What the upstream API answered, as far as it says something about the key. */
export interface UpstreamFailure {
  /** HTTP status. */
  readonly status: number;
  /** The body as text. Default: empty. */
  readonly body?: string;
  /** The `Retry-After` header: seconds, or an HTTP date. */
  readonly retryAfter?: string;
}

/** What to do with the key: rotate it, pause it for `coolDownMs` milliseconds, or nothing. */
export type FailureVerdict =
  | { readonly action: 'rotate'; readonly reason: RotationReason }
  | { readonly action: 'cool-down'; readonly coolDownMs: number }
  | { readonly action: 'none' };

const MS_PER_SECOND = 1_000;
/** The three date formats of HTTP all begin with the name of a day. */
const HTTP_DATE = /^(Mon|Tues?|Wed(nes)?|Thu(rs)?|Fri|Sat(ur)?|Sun)(day)?,? /;

/**
 * Says what an upstream answer means for the key that was used, by the pool's `failures`. Status 429 is always a cool-down and
 * never a rotation, whatever the body says.
 *
 * @param now the time from which a date in `retryAfter` is counted. Default: the current time.
 */
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
  // Date.parse alone reads "-5" and "1.5" as dates long past, which would mean no cool-down at all.
  if (!HTTP_DATE.test(retryAfter.trim())) return undefined;
  const at = Date.parse(retryAfter);
  return Number.isNaN(at) ? undefined : Math.max(0, at - now.getTime());
}
