import type { FaultKind } from '../schedule/token.ts';

/** A client whose command would have waited in the server. */
export interface WaitingClient {
  readonly client: number;
  /** Letters of the clients with the open transactions, or `a client that crashed`. */
  readonly waitsFor: string;
}

/** One step of a run as text. Shows no field values but those of `_id` and of `showFields`. */
export interface TraceStep {
  readonly client: number;
  readonly command: string;
  /** Empty for commands without a collection, such as `commitTransaction`. */
  readonly collection: string;
  /** What the command looks for and does: its filter and update, its documents, its stages, as in `{ _id: "p" } $set { count: 2 }`. */
  readonly touched: string;
  /** The reply in short: a count, the shown fields of a document, or an error; and what a fault did. */
  readonly reply: string;
  readonly fault?: FaultKind;
  /** Clients that were at the gate but not enabled, and for whose open transactions they waited. */
  readonly waiting?: readonly WaitingClient[];
}
