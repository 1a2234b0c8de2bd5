import { inspect, stripVTControlCharacters } from 'node:util';
import { InterleaveError, type InterleaveErrorCode } from '../interleave-error.ts';

/** A line that says something: it has a letter or a digit. */
const MEANINGFUL = /[\p{L}\p{N}]/u;
/** The values of a duplicate key, in the text of the server. */
const DUPLICATE_KEY = /(?<=E11000 .*dup key: )\{.*\}/g;
/** Of what throws whenever it is looked at. */
const UNREADABLE = 'a value that cannot be read';

/** What an error says of itself: texts, empty where it says nothing. */
export interface ErrorFacts {
  readonly isError: boolean;
  /** As in `TypeError`; `typeof` of what is no error. */
  readonly name: string;
  readonly message: string;
  readonly code: string;
  readonly stack: string;
}

/** Reads what was thrown, whatever it is. A getter, a proxy or a `toString` of the user's may throw in its turn. */
export function factsOf(error: unknown): ErrorFacts {
  if (!isErrorObject(error)) return { isError: false, name: typeof error, message: textOf(error), code: '', stack: '' };
  const read = (field: 'name' | 'message' | 'code' | 'stack'): unknown =>
    orElse(() => Reflect.get(error, field), undefined);
  const text = (value: unknown): string => (typeof value === 'string' ? value : '');
  const code = read('code');
  return {
    isError: true,
    name: text(read('name')) || 'Error',
    message: text(read('message')),
    code: typeof code === 'number' ? String(code) : text(code),
    stack: text(read('stack')),
  };
}

/**
 * The meaningful lines of an error's message: without colours, blank lines and lines of punctuation. Assertions put the difference into
 * later lines, and jest puts colours into all of them. The values of a duplicate key are left out.
 *
 * @returns the name of an error without a message
 */
export function errorLines(error: unknown): string[] {
  const { message, name } = factsOf(error);
  const lines = stripVTControlCharacters(message)
    .split('\n')
    .map((line) => line.trimEnd().replaceAll(DUPLICATE_KEY, '{ ... }'))
    .filter((line) => MEANINGFUL.test(line));
  return lines.length === 0 ? [name] : lines;
}

/** The first line of an error of the user's, with the error's name and without its full stop: for a sentence that goes on. */
export function namedError(error: unknown): string {
  const { isError, name, message } = factsOf(error);
  const first = (errorLines(error)[0] ?? '').replace(/\.+$/, '');
  return isError && message !== '' ? `${name}: ${first}` : first;
}

/** Is this our own error of this kind? A proxy may throw when it is asked for its class. */
export const isOwnError = (error: unknown, code: InterleaveErrorCode): error is InterleaveError =>
  orElse(() => error instanceof InterleaveError && error.code === code, false);

/** What `read` returns; `fallback` if it throws. */
export function orElse<V>(read: () => V, fallback: V): V {
  try {
    return read();
  } catch {
    return fallback;
  }
}

const isErrorObject = (error: unknown): error is Error => orElse(() => error instanceof Error, false);

function textOf(value: unknown): string {
  if (typeof value === 'object' && value !== null)
    return orElse(() => inspect(value, { breakLength: Infinity, depth: 2, customInspect: false }), UNREADABLE);
  return typeof value === 'function' ? 'a function' : String(value);
}
