import { InterleaveError } from './interleave-error.ts';

type Values = Readonly<Record<string, unknown>>;

/** The names of a call's options: a record, so that the compiler finds the name that is missing. */
export type Names<O> = Readonly<Record<keyof O, true>>;

const MAX_SHOWN = 80;
/** A name that differs by more letters is no slip of the pen. */
const MAX_SLIPS = 3;

/**
 * @param where what takes the options, such as `explore`
 * @throws InterleaveError `invalid-option` for what is no object, and for the first option that `names` does not have
 */
export function expectOptions(where: string, options: unknown, names: Readonly<Record<string, true>>): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw new InterleaveError('invalid-option', `${where} takes an object of options, not ${shown(options)}.`);
  const known = Object.keys(names);
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const alike = known
    .map((name) => ({ name, slips: slipsBetween(name.toLowerCase(), unknown.toLowerCase()) }))
    .filter(({ slips }) => slips <= MAX_SLIPS)
    .toSorted((one, other) => one.slips - other.slips)[0];
  const advice = alike === undefined ? `Options: ${known.join(', ')}.` : `Is ${alike.name} meant?`;
  throw new InterleaveError('invalid-option', `${where} has no option ${unknown.slice(0, MAX_SHOWN)}. ${advice}`);
}

/** @throws InterleaveError `invalid-option`, naming the first option that is not above 0 */
export function expectAboveZero(options: Values, where?: string): void {
  expectEach(options, 'a number above 0', (value) => typeof value === 'number' && value > 0, where);
}

/** @throws InterleaveError `invalid-option`, naming the first option that is neither an integer from 0 nor `Infinity` */
export function expectCount(options: Values, where?: string): void {
  const isCount = (value: unknown): boolean =>
    typeof value === 'number' && value >= 0 && (Number.isInteger(value) || value === Infinity);
  expectEach(options, 'an integer from 0', isCount, where);
}

/** @throws InterleaveError `invalid-option`, naming the first option that is not an integer from `min` to `max` */
export function expectInteger(
  options: Values,
  min: number,
  max: number = Number.MAX_SAFE_INTEGER,
  where?: string,
): void {
  const range = max === Number.MAX_SAFE_INTEGER ? `from ${min}` : `from ${min} to ${max}`;
  const isInRange = (value: unknown): boolean =>
    Number.isInteger(value) && Number(value) >= min && Number(value) <= max;
  expectEach(options, `an integer ${range}`, isInRange, where);
}

/** @throws InterleaveError `invalid-option`, naming the first option that is no text or empty */
export function expectText(options: Values, where?: string): void {
  expectEach(options, 'a text', (value) => typeof value === 'string' && value !== '', where);
}

/** @throws InterleaveError `invalid-option`, naming the first option that is neither true nor false */
export function expectBoolean(options: Values, where?: string): void {
  expectEach(options, 'true or false', (value) => typeof value === 'boolean', where);
}

/** @throws InterleaveError `invalid-option`, naming the first option that is no function */
export function expectFunction(options: Values, where?: string): void {
  expectEach(options, 'a function', (value) => typeof value === 'function', where);
}

/** @throws InterleaveError `invalid-option`, naming the first option that is no array */
export function expectList(options: Values, where?: string): void {
  expectEach(options, 'a list', Array.isArray, where);
}

/** @throws InterleaveError `invalid-option`, naming the first option that is none of `choices` */
export function expectOneOf(options: Values, choices: readonly string[], where?: string): void {
  expectEach(options, `one of ${choices.join(', ')}`, (value) => choices.some((choice) => choice === value), where);
}

/** Those of the options that are given. */
export const given = (options: Values): Values =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));

function expectEach(options: Values, wanted: string, isFit: (value: unknown) => boolean, where?: string): void {
  for (const [name, value] of Object.entries(options)) {
    if (isFit(value)) continue;
    const place = where === undefined ? name : `${where}: ${name}`;
    throw new InterleaveError('invalid-option', `${place} must be ${wanted}, not ${shown(value)}.`);
  }
}

/** A wrong value on one line. What objects hold is not shown: it may be a credential. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, MAX_SHOWN));
  if (typeof value === 'function') return 'a function';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}

/** How many letters to put in, leave out or change (Levenshtein distance). */
function slipsBetween(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (const [at, letter] of one.split('').entries()) {
    const next = [at + 1];
    for (const [index, wanted] of other.split('').entries())
      next.push(
        Math.min((row[index + 1] ?? 0) + 1, (next[index] ?? 0) + 1, (row[index] ?? 0) + (letter === wanted ? 0 : 1)),
      );
    row = next;
  }
  return row[other.length] ?? 0;
}
