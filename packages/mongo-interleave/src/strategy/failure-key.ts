import { createHash } from 'node:crypto';
import { clientLetter } from '../gate/client-letter.ts';
import { errorLines, factsOf, orElse } from '../run/error-lines.ts';
import type { Outcome } from '../run/execution.ts';
import type { RunResult } from '../run/result.ts';

type Judged = Pick<RunResult<unknown>, 'outcomes' | 'verdict'>;

/** Returned values are compared down to this depth. */
const MAX_DEPTH = 4;
/** Of a returned text only so many characters are compared. */
const MAX_TEXT = 200;
const DIGEST_LENGTH = 12;
/** Of what throws when it is looked at. */
const UNREADABLE = '?';

/** UUIDs, times, ObjectIds, and other words with digits, such as hashes and random tokens. */
const GENERATED =
  /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d{4}-\d\d-\d\dT[\d:.]+Z|\b(?=[\w-]*\d)[\w-]{6,}(?![\w-])/gi;
/** The name of a rule or an error at the beginning of a message, such as `I3`, `E11000` or `RULE_2`. */
const RULE = /^[A-Z][A-Z0-9_-]+(?=[^\w-]|$)/;

/**
 * Two runs with the same key show the same failure. The key says
 *
 * - the kind of the verdict, and the name and code of its error;
 * - the place in the user's code that threw it, as `file:line:column`, because a check may have several assertions with one message;
 * - the first line of its message, and the second if the first ends with a colon;
 * - how the clients ended: each distinct end, and whether one client or several ended that way.
 *
 * What differs between runs of one failure is left out: generated values and numbers are replaced, but the name of a rule at the
 * beginning of a message (`I3: ...`) stays. Which client it was is left out too: its letter is replaced, and ends have no order.
 * Messages and ends may hold credentials, so they are a digest, as in `violated Error check.ts:12:9 #5be0a1c97f24`.
 *
 * @returns empty for a valid run
 */
export function keyOf(result: Judged): string {
  const { verdict } = result;
  if (verdict.kind === 'valid') return '';
  const ends = [...Map.groupBy(endsOf(result), (end) => end)].map(([end, { length }]) => [end, length > 1]);
  const digest = createHash('sha256').update(JSON.stringify([failureOf(result), ends]));
  const parts = [verdict.kind, identityOf(verdict.error), placeOf(verdict.error)].filter((part) => part !== '');
  return [...parts, `#${digest.digest('hex').slice(0, DIGEST_LENGTH)}`].join(' ');
}

/** The part of the key that does not depend on the number of clients: verdict, error, place and message. Empty for a valid run. */
export function failureOf({ outcomes, verdict }: Judged): string {
  if (verdict.kind === 'valid') return '';
  const { error } = verdict;
  const [first = '', second = ''] = errorLines(error);
  const message = first.endsWith(':') ? `${first} ${second.trim()}` : first;
  return [verdict.kind, identityOf(error), placeOf(error), neutral(message, outcomes.length)].join(' ');
}

/**
 * How a client ended, as a text without values that differ from run to run: the shape of what it returned, or the name and code of its
 * error.
 *
 * @param clients number of clients, whose letters are replaced
 * @returns undefined for a client that did not take part
 */
export function endOf(outcome: Outcome<unknown>, clients: number): string | undefined {
  const { kind } = outcome;
  if (kind === 'absent') return undefined;
  if (outcome.kind === 'returned') return `returned ${orElse(() => shapeOf(outcome.value, clients), UNREADABLE)}`;
  if (outcome.kind !== 'threw') return kind;
  const { error } = outcome;
  // An error with a code is told apart by its code: the message of a duplicate key holds the values.
  const message = factsOf(error).code === '' ? neutral(errorLines(error)[0] ?? '', clients) : '';
  return ['threw', identityOf(error), message].join(' ').trimEnd();
}

/** How the clients that took part ended, sorted. */
export const endsOf = ({ outcomes }: Judged): string[] =>
  outcomes.flatMap((outcome) => endOf(outcome, outcomes.length) ?? []).toSorted();

/** The name and the code of an error. */
function identityOf(error: unknown): string {
  const { name, code } = factsOf(error);
  return [name, code].join(' ').trimEnd();
}

/** The first frame of the stack that is neither Node's nor a package's. Without folders, which differ between machines. */
function placeOf(error: unknown): string {
  const frames = factsOf(error)
    .stack.split('\n')
    .filter((line) => /^\s+at /.test(line));
  const own = frames.find((frame) => !/node_modules|node:|<anonymous>/.test(frame)) ?? '';
  return /[^/\\]+:\d+:\d+(?=\)?$)/.exec(own)?.[0] ?? '';
}

/** Replaces what differs between runs of one failure, and the letters of clients. */
function neutral(text: string, clients: number): string {
  const [rule = ''] = RULE.exec(text) ?? [];
  const letters = Array.from({ length: clients }, (_, client) => clientLetter(client)).join('');
  const rest = text
    .slice(rule.length)
    .replaceAll(GENERATED, '#')
    .replaceAll(/\d+(?:\.\d+)?/g, '#');
  return rule + (letters === '' ? rest : rest.replaceAll(new RegExp(`\\b[${letters}]\\b`, 'g'), '?'));
}

/** A returned value without what differs from run to run. Of an array only the distinct shapes of its elements are told. */
function shapeOf(value: unknown, clients: number, depth = 0): string {
  if (typeof value === 'string') return JSON.stringify(neutral(value.slice(0, MAX_TEXT), clients));
  if (typeof value === 'number' || typeof value === 'bigint') return '#';
  if (typeof value === 'function') return 'function';
  if (typeof value !== 'object' || value === null) return String(value);
  if (depth === MAX_DEPTH) return '...';
  const shape = (inner: unknown): string => shapeOf(inner, clients, depth + 1);
  if (Array.isArray(value)) return `[${[...new Set(value.map(shape))].toSorted().join(', ')}]`;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && prototype !== Object.prototype) return nameOfClass(value);
  return `{${Object.entries(value)
    .map(([name, inner]) => `${name}: ${shape(inner)}`)
    .join(', ')}}`;
}

/** As in `ObjectId`. */
const nameOfClass = ({ constructor }: { readonly constructor?: { readonly name?: string } }): string =>
  constructor?.name ?? 'object';
