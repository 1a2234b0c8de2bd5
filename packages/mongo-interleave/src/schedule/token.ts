import { clientLetter } from '../gate/client-letter.ts';
import { shown } from '../check-option.ts';
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
 * - `step-down`: the primary steps down, another member becomes the primary, and the command comes to the old one, which refuses it. The
 *   open transactions of all clients are gone
 * - `step-down-after`: the primary runs the command and steps down, another member becomes the primary, and the connection closes before
 *   the reply. What was written before the failover is not rolled back
 */
export type FaultKind = 'crash' | 'crash-after' | 'lost-reply' | 'reset' | 'error' | FailoverKind;

/** These need a replica set in which another member can become the primary. */
type FailoverKind = 'step-down' | 'step-down-after';

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
  'step-down': '@',
  'step-down-after': '%',
};
/** The faults that a set of one member can have too. */
export const FAULTS_OF_ANY_SET: readonly FaultKind[] = ['crash', 'crash-after', 'lost-reply', 'reset', 'error'];
export const FAULT_KINDS: readonly FaultKind[] = [...FAULTS_OF_ANY_SET, 'step-down', 'step-down-after'];

/** @throws InterleaveError `invalid-option`, naming the first that is no kind of fault */
export function expectFaultKinds(kinds: readonly unknown[]): void {
  const stranger = kinds.find((one) => !FAULT_KINDS.some((kind) => kind === one));
  if (stranger !== undefined || kinds.includes(undefined))
    throw new InterleaveError(
      'invalid-option',
      `There is no fault ${shown(stranger)}. Faults: ${FAULT_KINDS.join(', ')}.`,
    );
}

/** Does the client's life end with this fault? */
export const isCrash = (fault: FaultKind | undefined): boolean => fault === 'crash' || fault === 'crash-after';

/** Does another member become the primary with this fault? */
export const isFailover = (fault: FaultKind | undefined): fault is FailoverKind =>
  fault === 'step-down' || fault === 'step-down-after';

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
 * mark    = "!" | "*" | "~" | "^" | "#" | "@" | "%"   the fault, in the order of {@link FaultKind}
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
  if (typeof token !== 'string')
    throw new InterleaveError('invalid-token', `${shown(token)} is not a token. A token looks like v1:ABBA.`);
  if (token.length > MAX_TOKEN_LENGTH || !/^v1:(?:[A-Z](?:[2-9]|[1-9][0-9])?[!*~^#@%]?)*$/.test(token)) {
    throw new InterleaveError('invalid-token', `${shown(token)} is not a token. A token looks like v1:ABBA.`);
  }
  return [...token.slice(VERSION.length).matchAll(/([A-Z])(\d*)([!*~^#@%]?)/g)].map(
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

/**
 * @param clients number of clients of the scenario
 * @throws InterleaveError `invalid-token` also for a token without steps, and for one that names a client which the scenario has not
 */
export function expectTokenOf(token: string, clients: number): void {
  const choices = parseToken(token);
  const said = shown(token);
  if (choices.length === 0)
    throw new InterleaveError(
      'invalid-token',
      `${said} has no steps, so there is nothing to run. A token looks like v1:ABBA.`,
    );
  const stranger = choices.find(({ client }) => client >= clients);
  if (stranger === undefined) return;
  const letters = Array.from({ length: clients }, (_, client) => clientLetter(client)).join(', ');
  throw new InterleaveError(
    'invalid-token',
    `${said} names client ${clientLetter(stranger.client)}, and this scenario has ${letters}: take a token of this scenario.`,
  );
}
