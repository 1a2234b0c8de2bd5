import type { Document } from 'mongodb';
import type { SystemTypes } from './system-types.ts';

/** What became visible at once: the writes of a transaction, or a single write. JSON. */
export interface Commit<T extends SystemTypes> {
  /** False of a single write. A command outside of a transaction that writes several documents makes a commit for each. */
  readonly isTransaction: boolean;
  /** One for each document that the commit changed, in the order of the first write to each. Never empty. */
  readonly writes: readonly T['write'][];
}

/** What a commit made of one document. Holds whole documents, with all credentials: nothing keeps it. */
export interface Change {
  readonly collection: string;
  /** Before the commit; absent where the document was inserted. */
  readonly before?: Document;
  /** After the commit; absent where the document was deleted. */
  readonly after?: Document;
}
