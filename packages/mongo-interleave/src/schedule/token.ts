import { clientLetter } from '../gate/client-letter.ts';
import { InterleaveError } from '../interleave-error.ts';

/**
 * What goes wrong at a command.
 *
 * - `crash`: the client crashes before the command is sent. It gets no further reply and sends nothing more; a fresh client starts
 *   the flow again
 * - `crash-after`: the server runs the command, and the client crashes before the reply. The database can't tell this from a crash
 *   before the client's next command, so this kind alone covers every crash but the one before the
 *   client's first command
 * - `lost-reply`: the server runs the command, and the connection closes before the reply
 * - `reset`: the connection closes before the server gets the command
 * - `error`: the server refuses the command (`failCommand`)
 */
export type FaultKind = 'crash' | 'crash-after' | 'lost-reply' | 'reset' | 'error';

/** One step of a schedule: which client, which of its held commands, and the fault if there is one. */
export interface Choice {
  /** 0 to 25. */
  readonly client: number;
  /** 0 for the first held command of the client. Others exist only where the client sends several commands at once. */
  readonly position: number;
  readonly fault?: FaultKind;
}

const MARKS: Readonly<Record<FaultKind, string>> = {
  crash: '!',
  'crash-after': '*',
  'lost-reply': '~',
  reset: '^',
  error: '#',
};
export const FAULT_KINDS: readonly FaultKind[] = ['crash', 'crash-after', 'lost-reply', 'reset', 'error'];

/** Does the client's life end with this fault? */
export const isCrash = (fault: FaultKind | undefined): boolean => fault === 'crash' || fault === 'crash-after';

const VERSION = 'v1:';
/** A longer text is no token: a token fits on a command line. */
const MAX_TOKEN_LENGTH = 20_000;

/**
 * Writes a schedule as a short text, its token.
 *
 * ```
 * token   = "v1:" release*
 * release = letter [number] [mark]
 * letter  = "A" to "Z"        the client: A is client 0
 * number  = 2, 3, ...         which of its held commands; left out for the first
 * mark    = "!" | "*" | "~" | "^" | "#"   the fault, in the order of {@link FaultKind}
 * ```
 *
 * `v1:ABBA!` releases A's first command, then two of B's; A crashes before its second. Clients without a letter do not take part.
 */
export function formatToken(choices: readonly Choice[]): string {
  return VERSION + choices.map(formatChoice).join('');
}

/** One release of a token, such as `B2~`. */
export const formatChoice = ({ client, position, fault }: Choice): string =>
  `${clientLetter(client)}${position === 0 ? '' : position + 1}${fault === undefined ? '' : MARKS[fault]}`;

/**
 * Reads a token that {@link formatToken} wrote.
 *
 * @throws InterleaveError `invalid-token`
 */
export function parseToken(token: string): Choice[] {
  if (token.length > MAX_TOKEN_LENGTH || !/^v1:(?:[A-Z](?:[2-9]|[1-9][0-9])?[!*~^#]?)*$/.test(token)) {
    const shown = token.slice(0, 80);
    throw new InterleaveError('invalid-token', `"${shown}" is not a token. A token looks like v1:ABBA.`);
  }
  return [...token.slice(VERSION.length).matchAll(/([A-Z])(\d*)([!*~^#]?)/g)].map(
    ([, letter = 'A', number = '', mark]) => {
      const fault = FAULT_KINDS.find((kind) => MARKS[kind] === mark);
      return {
        client: letter.charCodeAt(0) - 65,
        position: number === '' ? 0 : Number(number) - 1,
        ...(fault === undefined ? {} : { fault }),
      };
    },
  );
}
