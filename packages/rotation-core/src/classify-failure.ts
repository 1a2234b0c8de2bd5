import type { FailureRule, RotationReason } from './failures.ts';
import type { Pool } from './pool.ts';
import { readErrorFields, type ErrorFields } from './upstream/error-fields.ts';
import { containsPhrase, normalize } from './upstream/phrases.ts';
import { retryAfterMs, type RetryHints } from './upstream/retry-after.ts';

/** What the upstream API answered, as far as it says something about the key. */
export interface UpstreamFailure extends RetryHints {
  /** HTTP status. */
  readonly status: number;
  /** The body: text, or the parsed JSON. Default: empty. */
  readonly body?: unknown;
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
 */
export function classifyFailure(pool: Pool, failure: UpstreamFailure, now: Date = new Date()): FailureVerdict {
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
