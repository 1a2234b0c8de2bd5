import { stripVTControlCharacters } from 'node:util';

/** A line that says something: it has a letter or a digit. */
const MEANINGFUL = /[\p{L}\p{N}]/u;

/**
 * The meaningful lines of an error's message: without colours, blank lines and lines of punctuation. Assertions put the difference into
 * later lines, and jest puts colours into all of them.
 *
 * @returns empty for an error without a message
 */
export function errorLines(error: unknown): string[] {
  const text = error instanceof Error ? error.message : String(error);
  return stripVTControlCharacters(text)
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => MEANINGFUL.test(line));
}
