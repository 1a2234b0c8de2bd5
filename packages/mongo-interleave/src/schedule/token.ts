import { clientLetter } from '../gate/gate.ts';
import { InterleaveError } from '../interleave-error.ts';

/**
 * What goes wrong at a command.
 *
 * - `crash`: its client is gone before it: it gets no further reply and sends nothing more; a fresh one begins the flow again
 * - `crash-after`: the server runs it, and the client is gone before the reply. The database sees the same when the client crashes
 *   before its next command; so this kind alone stands for all crashes but those that change nothing
 * - `lost-reply`: the server ran it, and the connection ended before the reply
 * - `reset`: the connection ended before the server got it
 * - `error`: the server refuses it (`failCommand`)
 */
export type FaultKind = 'crash' | 'crash-after' | 'lost-reply' | 'reset' | 'error';

/** One release: which client, which of its held commands, and what goes wrong. */
export interface Choice {
  /** 0 to 25. */
  readonly client: number;
  /** 0 is the first of those held; others only where a client sends several at once (by content: see Numbering). */
  readonly position: number;
  readonly fault?: FaultKind;
}

const marks: Readonly<Record<FaultKind, string>> = {
  crash: '!',
  'crash-after': '*',
  'lost-reply': '~',
  reset: '^',
  error: '#',
};
export const faultKinds: readonly FaultKind[] = ['crash', 'crash-after', 'lost-reply', 'reset', 'error'];

/** Does the client end its life there? */
export const isCrash = (fault: FaultKind | undefined): boolean => fault === 'crash' || fault === 'crash-after';

const VERSION = 'v1:';
/** More would be no short text any more. */
const MAX_TOKEN_LENGTH = 20_000;

/**
 * A schedule as a short text.
 *
 * ```
 * token   = "v1:" release*
 * release = letter [number] [mark]
 * letter  = "A" to "Z"        the client: A is client 0
 * number  = 2, 3, ...         which of its held commands; left out for the first
 * mark    = "!" | "*" | "~" | "^" | "#"   what goes wrong, in the order of {@link FaultKind}
 * ```
 *
 * `v1:ABBA!` lets A's first command go, then two of B's; A crashes before its second. Clients that no letter names stay away.
 */
export function formatToken(choices: readonly Choice[]): string {
  return VERSION + choices.map(formatChoice).join('');
}

/** One release of a token. */
export const formatChoice = ({ client, position, fault }: Choice): string =>
  `${clientLetter(client)}${position === 0 ? '' : position + 1}${fault === undefined ? '' : marks[fault]}`;

/**
 * Reads what {@link formatToken} wrote.
 *
 * @throws InterleaveError `invalid-token`
 */
export function parseToken(token: string): Choice[] {
  if (token.length > MAX_TOKEN_LENGTH || !/^v1:(?:[A-Z](?:[2-9]|[1-9][0-9])?[!*~^#]?)*$/.test(token)) {
    const shown = token.slice(0, 80);
    throw new InterleaveError('invalid-token', `"${shown}" is no schedule; one looks like v1:ABBA (see formatToken).`);
  }
  return [...token.slice(VERSION.length).matchAll(/([A-Z])(\d*)([!*~^#]?)/g)].map(
    ([, letter = 'A', number = '', mark]) => {
      const fault = faultKinds.find((kind) => marks[kind] === mark);
      return {
        client: letter.charCodeAt(0) - 65,
        position: number === '' ? 0 : Number(number) - 1,
        ...(fault === undefined ? {} : { fault }),
      };
    },
  );
}
