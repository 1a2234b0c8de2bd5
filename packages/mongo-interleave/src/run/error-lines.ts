import { stripVTControlCharacters } from 'node:util';

/** A line that says something: it has a letter or a digit. */
const MEANINGFUL = /[\p{L}\p{N}]/u;
/** The values of a duplicate key, in the text of the server. */
const DUPLICATE_KEY = /(?<=E11000 .*dup key: )\{.*\}/g;

/**
 * The meaningful lines of an error's message: without colours, blank lines and lines of punctuation. Assertions put the difference into
 * later lines, and jest puts colours into all of them. The values of a duplicate key are left out.
 *
 * @returns empty for an error without a message
 */
export function errorLines(error: unknown): string[] {
  const text = error instanceof Error ? error.message : String(error);
  return stripVTControlCharacters(text)
    .split('\n')
    .map((line) => line.trimEnd().replaceAll(DUPLICATE_KEY, '{ ... }'))
    .filter((line) => MEANINGFUL.test(line));
}

/** An error of a flow as text, with its name. */
export const namedError = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message}` : String(error);
