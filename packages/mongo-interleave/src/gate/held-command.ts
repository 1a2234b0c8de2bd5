import type { Fields } from './message.ts';

/** A command of a client. */
export interface ClientCommand {
  /** 0 to n-1. */
  readonly client: number;
  /** Counts the commands of this client since it entered, from 0, in the order in which it sent them. */
  readonly index: number;
  readonly name: string;
  /** The whole command, document sequences included. May hold credentials. */
  readonly body: Fields;
}

/** A command at the gate. */
export interface HeldCommand extends ClientCommand {
  /** The command as `body`, with BSON's classes for the values: to be sent to the server again. */
  readonly exact: () => Fields;
}
