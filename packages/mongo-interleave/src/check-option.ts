import { InterleaveError } from './interleave-error.ts';

type Values = Readonly<Record<string, number>>;

/** @throws InterleaveError `invalid-option`, naming the first option that is not above 0 */
export function expectAboveZero(options: Values): void {
  for (const [name, value] of Object.entries(options)) if (!(value > 0)) throw invalid(name, 'above 0', value);
}

/** @throws InterleaveError `invalid-option`, naming the first option that is neither an integer from 0 nor `Infinity` */
export function expectCount(options: Values): void {
  for (const [name, value] of Object.entries(options)) {
    const isCount = value >= 0 && (Number.isInteger(value) || value === Infinity);
    if (!isCount) throw invalid(name, 'an integer from 0', value);
  }
}

/** @throws InterleaveError `invalid-option`, naming the first option that is not an integer from `min` to `max` */
export function expectInteger(options: Values, min: number, max: number = Number.MAX_SAFE_INTEGER): void {
  const range = max === Number.MAX_SAFE_INTEGER ? `from ${min}` : `from ${min} to ${max}`;
  for (const [name, value] of Object.entries(options)) {
    if (!Number.isInteger(value) || value < min || value > max) throw invalid(name, `an integer ${range}`, value);
  }
}

/** @throws InterleaveError `invalid-option`, naming the first option that is no text or empty */
export function expectText(options: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(options))
    if (typeof value !== 'string' || value === '') throw invalid(name, 'a text', typeof value);
}

/** @throws InterleaveError `invalid-option`, naming the first option that is no function */
export function expectFunction(options: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(options))
    if (typeof value !== 'function') throw invalid(name, 'a function', typeof value);
}

const invalid = (name: string, wanted: string, value: number | string): InterleaveError =>
  new InterleaveError('invalid-option', `${name} must be ${wanted}, not ${value}.`);
