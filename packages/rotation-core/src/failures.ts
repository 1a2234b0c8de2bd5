import { RotationError } from './errors.ts';
import { containsPhrase, normalize } from './upstream/phrases.ts';
import { MAX_COOL_DOWN_MS } from './upstream/retry-after.ts';

/** Why a key is rotated. `exhausted`: its quota or its subscription ended. `auth-error`: the upstream refuses the key. */
export type RotationReason = 'exhausted' | 'auth-error';

/** What an answer means for the key that was used. */
export type FailureAction =
  /** The key failed for good: it is rotated. Refused for statuses from 500 up, which tell of the upstream and not of the key. */
  | { readonly action: 'rotate'; readonly reason: RotationReason }
  /**
   * The key rests: until `Retry-After` if the answer has it, otherwise for `coolDownMs` milliseconds, from 1 to 86,400,000 (a
   * day). Default: the pool's `failures.coolDownMs`.
   */
  | { readonly action: 'cool-down'; readonly coolDownMs?: number }
  /** The answer says nothing about the key. For what a later rule would take for a failure. */
  | { readonly action: 'none' };

/** The answers that a rule is about: the status must be listed, and a code or a marker must be found, where the rule has any. */
interface FailureMatch {
  /** HTTP statuses, from 400 to 599. */
  readonly statuses: readonly number[];
  /**
   * Words for machines, such as `insufficient_quota`. Found if the whole value of one of the answer's fields `code`, `type`,
   * `status` or `reason`, or its whole text, is the code. The case is ignored.
   */
  readonly codes?: readonly string[];
  /**
   * Words for people, such as `credit balance is too low`. Found if the answer's message, or a code, has these words as whole words,
   * outside of quotation marks; what upstreams repeat of a request stands in quotation marks. The case is ignored.
   */
  readonly markers?: readonly string[];
  /** The preset that the rule is from. Rules of a preset may be overridden by rules before them, all others must be reachable. */
  readonly preset?: string;
}

/** Which answers of an upstream mean what. */
export type FailureRule = FailureMatch & FailureAction;

/** What `handleFailure` writes on a live key. Names and values are those of the service. */
export interface FailureMarks {
  /** The field that says until when a key rests, a date. Default: `cooldownUntil`. */
  readonly coolDownField?: string;
  /** The field that says how a key is. Default: `status`. */
  readonly statusField?: string;
  /** The field for the upstream's text after an auth error. Default: `lastError`. */
  readonly lastErrorField?: string;
  /** The status of a key that failed while there was no backup. Default: `exhausted`, and `need_refresh` after an auth error. */
  readonly statuses?: Readonly<Record<RotationReason, string | number>>;
  /** How long an exhausted key rests if there is no backup, in milliseconds; from 1. Default: 86,400,000 (a day). */
  readonly exhaustedMs?: number;
}

/** How a pool reads the answers of its upstream; see `classifyFailure`. */
export interface FailureRules {
  /**
   * The first rule that matches decides; an answer that matches no rule means nothing. Rules of the service come first, then
   * presets, and last `COMMON_FAILURES`, which has rules for whole statuses.
   */
  readonly rules: readonly FailureRule[];
  /** Cool-down of a rule that has none of its own, in milliseconds; from 1 to 86,400,000 (a day). */
  readonly coolDownMs: number;
  /** What `handleFailure` writes. */
  readonly marks?: FailureMarks;
}

/** The marks with their defaults. */
export const marksOf = ({ marks }: FailureRules): Required<FailureMarks> => ({
  coolDownField: 'cooldownUntil',
  statusField: 'status',
  lastErrorField: 'lastError',
  statuses: { exhausted: 'exhausted', 'auth-error': 'need_refresh' },
  exhaustedMs: MAX_COOL_DOWN_MS,
  ...marks,
});

/** The fields of an action, besides `action`. Others are refused: a rule with `marker` for `markers` would match every body. */
const ACTION_FIELDS: Readonly<Record<string, readonly string[]>> = {
  rotate: ['reason'],
  'cool-down': ['coolDownMs'],
  none: [],
};
const MATCH_FIELDS = ['statuses', 'codes', 'markers', 'preset', 'action'];
const REASONS: readonly unknown[] = ['exhausted', 'auth-error'];
/** Fields by which rotations find and replace a key. No service may have them written. */
export const KEY_FIELDS: readonly string[] = [
  '_id',
  'apiKey',
  'incarnation',
  'predecessors',
  'createdAt',
  'replacedBy',
  'replacedAt',
  'rotationId',
  'bindingSequence',
];

/**
 * Checks the rules and the marks of a pool.
 *
 * @throws RotationError `invalid-argument` that names the rule and says what is wrong with it: an unknown action, status or field,
 * a marker that can never be found, a rule that is never reached.
 */
export function checkFailureRules(failures: FailureRules): void {
  for (const [index, rule] of failures.rules.entries()) {
    const fault = faultOf(rule) ?? unreachablePartOf(rule, failures.rules.slice(0, index));
    if (fault !== undefined) refuse(`rules[${index}]${describe(rule)}: ${fault}`);
  }
  const fault = coolDownFaultOf(failures.coolDownMs);
  if (fault !== undefined) refuse(`coolDownMs: ${fault}`);
  checkMarks(marksOf(failures));
}

function refuse(fault: string): never {
  throw new RotationError('invalid-argument', `Pool failures.${fault}`);
}

const describe = ({ preset }: FailureRule): string => (preset === undefined ? '' : ` (of the preset ${preset})`);

function faultOf(rule: FailureRule): string | undefined {
  const fields = ACTION_FIELDS[rule.action];
  if (fields === undefined)
    return `unknown action ${JSON.stringify(rule.action)}; expected ${Object.keys(ACTION_FIELDS).join(', ')}`;
  const unknown = Object.keys(rule).find((field) => ![...MATCH_FIELDS, ...fields].includes(field));
  if (unknown !== undefined) return `${unknown} is no field of a rule with the action ${rule.action}`;
  return (
    statusFaultOf(rule) ??
    wordsFaultOf('codes', rule.codes) ??
    wordsFaultOf('markers', rule.markers) ??
    actionFaultOf(rule)
  );
}

function statusFaultOf({ statuses, action }: FailureRule): string | undefined {
  if (!Array.isArray(statuses) || statuses.length === 0) return 'statuses: expected a list of HTTP statuses';
  const unknown: unknown = statuses.find((status) => !Number.isInteger(status) || status < 400 || status > 599);
  if (unknown !== undefined) return `${JSON.stringify(unknown)} is no status of a failure; expected 400 to 599`;
  const outage = action === 'rotate' ? statuses.find((status) => status >= 500) : undefined;
  return outage === undefined ? undefined : `status ${outage} is an outage of the upstream, which must not cost keys`;
}

function wordsFaultOf(name: string, words: readonly string[] | undefined): string | undefined {
  if (words === undefined) return undefined;
  if (!Array.isArray(words) || words.length === 0)
    return `${name}: expected a list of strings; leave ${name} out to match every body`;
  const bad: unknown = words.find(
    (word: unknown) => typeof word !== 'string' || normalize(word) === '' || /["“”«»`]/.test(word),
  );
  return bad === undefined
    ? undefined
    : `${name}: ${JSON.stringify(bad)} can never be found; expected words without quotation marks`;
}

function actionFaultOf(rule: FailureRule): string | undefined {
  if (rule.action === 'rotate' && !REASONS.includes(rule.reason))
    return `unknown reason ${JSON.stringify(rule.reason)}`;
  return rule.action === 'cool-down' && rule.coolDownMs !== undefined ? coolDownFaultOf(rule.coolDownMs) : undefined;
}

const coolDownFaultOf = (coolDownMs: number): string | undefined =>
  Number.isInteger(coolDownMs) && coolDownMs >= 1 && coolDownMs <= MAX_COOL_DOWN_MS
    ? undefined
    : `expected whole milliseconds from 1 to ${MAX_COOL_DOWN_MS}, got ${String(coolDownMs)}`;

/** The name of the preset for whole statuses, whatever the upstream is. */
export const COMMON_PRESET = 'common';

/** One thing that a rule looks for; a rule without codes and markers takes any body. */
type Sought = { readonly kind: 'code' | 'marker'; readonly word: string } | { readonly kind: 'any' };

function soughtBy({ codes, markers }: FailureRule): readonly Sought[] {
  const sought = [
    ...(codes ?? []).map((word) => ({ kind: 'code', word: normalize(word) }) as const),
    ...(markers ?? []).map((word) => ({ kind: 'marker', word: normalize(word) }) as const),
  ];
  return sought.length === 0 ? [{ kind: 'any' }] : sought;
}

/**
 * Finds a status or a word of the rule that never decides, because a rule before it always does. Where a preset is overridden by
 * rules before it, that is what they are for; but not by the common rules for whole statuses, which come last.
 */
function unreachablePartOf(rule: FailureRule, before: readonly FailureRule[]): string | undefined {
  const earlier = before.filter(
    ({ preset }) => rule.preset === undefined || preset === rule.preset || preset === COMMON_PRESET,
  );
  const sought = soughtBy(rule);
  const isDecided = (status: number, part: Sought): boolean =>
    earlier.some(
      ({ statuses, ...other }) =>
        statuses.includes(status) && soughtBy({ statuses, ...other }).some((known) => implies(part, known)),
    );

  const status = rule.statuses.find((each) => sought.every((part) => isDecided(each, part)));
  if (status !== undefined) return `never reached for status ${status}: a rule before it decides`;
  const word = sought.find((part) => rule.statuses.every((each) => isDecided(each, part)));
  return word === undefined || word.kind === 'any'
    ? undefined
    : `the ${word.kind} ${JSON.stringify(word.word)} never decides: a rule before this one does`;
}

/** True if each answer that has the part has what is known too. */
function implies(part: Sought, known: Sought): boolean {
  if (known.kind === 'any') return true;
  if (part.kind === 'any') return false;
  if (known.kind === 'code') return part.kind === 'code' && part.word === known.word;
  return containsPhrase(part.word, known.word);
}

function checkMarks({ statuses, exhaustedMs, ...fields }: Required<FailureMarks>): void {
  for (const [name, field] of Object.entries(fields)) {
    if (typeof field !== 'string' || field === '' || /[.$]/.test(field) || KEY_FIELDS.includes(field))
      refuse(
        `marks.${name}: ${JSON.stringify(field)} is no field that can be written; expected a plain name of the service's own`,
      );
  }
  if (new Set(Object.values(fields)).size !== Object.values(fields).length) refuse('marks: the fields must differ');
  // A key that waits for a new secret must not be taken for a key that may be tried again after a day.
  if (statuses.exhausted === statuses['auth-error']) refuse('marks.statuses: the two must differ');
  if (!Number.isSafeInteger(exhaustedMs) || exhaustedMs < 1)
    refuse('marks.exhaustedMs: expected whole milliseconds from 1');
  for (const reason of ['exhausted', 'auth-error'] as const) {
    if (typeof statuses[reason] !== 'string' && typeof statuses[reason] !== 'number')
      refuse(`marks.statuses.${reason}: expected a string or a number`);
  }
}
