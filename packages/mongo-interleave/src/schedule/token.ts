import { clientLetter } from '../gate/gate.ts';
import { InterleaveError } from '../interleave-error.ts';

/** One release: which client, and which of its held commands. */
export interface Choice {
  /** 0 to 25. */
  readonly client: number;
  /** 0 is the first of those held; others only where a client sends several at once (by content: see Numbering). */
  readonly position: number;
}

const VERSION = 'v1:';
/** More would be no short text any more. */
const MAX_TOKEN_LENGTH = 20_000;

/**
 * A schedule as a short text.
 *
 * ```
 * token   = "v1:" release*
 * release = letter [number]
 * letter  = "A" to "Z"        the client: A is client 0
 * number  = 2, 3, ...         which of its held commands; left out for the first
 * ```
 *
 * `v1:ABBA` lets A's first command go, then two of B's, then A's second.
 */
export function formatToken(choices: readonly Choice[]): string {
  const releases = choices.map(({ client, position }) => clientLetter(client) + (position === 0 ? '' : position + 1));
  return VERSION + releases.join('');
}

/**
 * Reads what {@link formatToken} wrote.
 *
 * @throws InterleaveError `invalid-token`
 */
export function parseToken(token: string): Choice[] {
  if (token.length > MAX_TOKEN_LENGTH || !/^v1:(?:[A-Z](?:[2-9]|[1-9][0-9])?)*$/.test(token)) {
    const shown = token.slice(0, 80);
    throw new InterleaveError('invalid-token', `"${shown}" is no schedule; one looks like v1:ABBA (see formatToken).`);
  }
  return [...token.slice(VERSION.length).matchAll(/([A-Z])(\d*)/g)].map(([, letter = 'A', number = '']) => ({
    client: letter.charCodeAt(0) - 65,
    position: number === '' ? 0 : Number(number) - 1,
  }));
}
