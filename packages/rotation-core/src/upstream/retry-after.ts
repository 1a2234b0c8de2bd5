/** No cool-down is longer than a day, whatever the upstream asks for: a wrong header must not take a key away for a year. */
export const MAX_COOL_DOWN_MS: number = 86_400_000;

const MS_PER_SECOND = 1_000;
/** The three date formats of HTTP (RFC 9110, section 5.6.7) all begin with the name of a day. */
const HTTP_DATE = /^(Mon|Tues?|Wed(nes)?|Thu(rs)?|Fri|Sat(ur)?|Sun)(day)?,? /;

/** Headers as `fetch` has them, or as Node's `http` and most clients have them: a record with names in any case. */
export type AnswerHeaders =
  { get(name: string): string | null } | Readonly<Record<string, string | number | readonly string[] | undefined>>;

/** What of an answer tells how long to wait. */
export interface RetryHints {
  /** The value of `Retry-After`, where the caller took it out of the headers. It wins over `headers`. */
  readonly retryAfter?: string | number | null | undefined;
  readonly headers?: AnswerHeaders | null | undefined;
}

/**
 * Reads how long an upstream asks its caller to wait: `Retry-After` in seconds or as an HTTP date (RFC 9110, section 10.2.3), or
 * `retry-after-ms`, which OpenAI and Azure send beside it and which is more exact.
 *
 * @param now the time from which a date is counted.
 * @returns milliseconds, from 0 to a day; undefined if the answer does not say so in one of these forms.
 */
export function retryAfterMs({ retryAfter, headers }: RetryHints, now: Date): number | undefined {
  const wanted =
    parseRetryAfter(textOf(retryAfter), now) ??
    parseNumber(header(headers, 'retry-after-ms'), 1) ??
    parseRetryAfter(header(headers, 'retry-after'), now);
  return wanted === undefined ? undefined : Math.min(MAX_COOL_DOWN_MS, Math.max(0, Math.ceil(wanted)));
}

function parseRetryAfter(value: string, now: Date): number | undefined {
  // Date.parse alone reads "-5" as a date long past, which would mean no cool-down at all.
  const at = HTTP_DATE.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(at) ? parseNumber(value, MS_PER_SECOND) : at - now.getTime();
}

/** RFC 9110 has whole seconds only, but some upstreams send fractions, and their own clients read them. */
const parseNumber = (value: string, unitMs: number): number | undefined =>
  /^\d+(\.\d+)?$/.test(value) ? Number(value) * unitMs : undefined;

const textOf = (value: unknown): string =>
  typeof value === 'string' || typeof value === 'number' ? String(value).trim() : '';

function header(headers: AnswerHeaders | null | undefined, name: string): string {
  if (headers === null || headers === undefined) return '';
  if (hasGet(headers)) return textOf(headers.get(name));
  const entry = Object.entries(headers).find(([key]) => key.toLowerCase() === name);
  return textOf(Array.isArray(entry?.[1]) ? entry[1][0] : entry?.[1]);
}

const hasGet = (headers: AnswerHeaders): headers is { get(name: string): string | null } =>
  typeof headers.get === 'function';
