import { BSON, type Document } from 'mongodb';
import type { Change } from '../system/commit.ts';
import type { SavedDatabase } from './saved-database.ts';

/** A write as a change stream tells it. */
export type WriteEvent =
  | { readonly operationType: 'insert' | 'replace'; readonly documentKey: Document; readonly fullDocument: Document }
  | { readonly operationType: 'update'; readonly documentKey: Document; readonly updateDescription: UpdateDescription }
  | { readonly operationType: 'delete'; readonly documentKey: Document };

/** Of fields by their paths, as in `seats.2.price`. */
interface UpdateDescription {
  readonly updatedFields?: Document;
  readonly removedFields?: readonly string[];
  readonly truncatedArrays?: readonly { readonly field: string; readonly newSize: number }[];
}

interface Entry {
  readonly collection: string;
  /** Before the commit that is under way. */
  before: Document | undefined;
  now: Document | undefined;
}

/**
 * All documents of a database, to which its writes are made again, for a change stream tells of an update only what it changed, and of a
 * deleted document only its id.
 */
export class Mirror {
  readonly #entries = new Map<string, Entry>();
  /** Of the commit that is under way, in the order of the first write to each. */
  #written = new Set<Entry>();

  constructor(saved: SavedDatabase) {
    for (const [collection, documents] of saved)
      for (const document of documents)
        this.#entries.set(nameOf(collection, document), { collection, before: document, now: document });
  }

  /** Makes one write of a commit. */
  write(collection: string, event: WriteEvent): void {
    const name = nameOf(collection, event.documentKey);
    const entry = this.#entries.get(name) ?? { collection, before: undefined, now: undefined };
    entry.now = after(entry.now, event);
    this.#entries.set(name, entry);
    this.#written.add(entry);
  }

  /** Ends the commit. @returns what it made of each document; nothing of one that it inserted and deleted */
  commit(): readonly Change[] {
    const changes = [...this.#written].flatMap(({ collection, before, now }): Change[] =>
      before === undefined && now === undefined
        ? []
        : [{ collection, ...(before === undefined ? {} : { before }), ...(now === undefined ? {} : { after: now }) }],
    );
    for (const entry of this.#written) entry.before = entry.now;
    this.#written = new Set();
    return changes;
  }
}

const nameOf = (collection: string, { _id }: Document): string => `${collection} ${BSON.EJSON.stringify({ _id })}`;

function after(now: Document | undefined, event: WriteEvent): Document | undefined {
  if (event.operationType === 'delete') return undefined;
  if (event.operationType !== 'update') return event.fullDocument;
  if (now === undefined) throw new Error('the log updates a document that is not there');
  const { updatedFields = {}, removedFields = [], truncatedArrays = [] } = event.updateDescription;
  const updated = structuredCloneOf(now);
  for (const { field, newSize } of truncatedArrays) (valueAt(updated, field.split('.')) as unknown[]).length = newSize;
  for (const [path, value] of Object.entries(updatedFields)) {
    const [container, field] = placeOf(updated, path);
    container[field] = value;
  }
  for (const path of removedFields) {
    const [container, field] = placeOf(updated, path);
    delete container[field];
  }
  return updated;
}

/** A deep copy of what has no other shape than documents and arrays; values of BSON's classes are shared, for nobody changes them. */
function structuredCloneOf<T>(value: T): T {
  if (Array.isArray(value)) return value.map((item: unknown) => structuredCloneOf(item)) as T;
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, structuredCloneOf(field)])) as T;
}

function placeOf(document: Document, path: string): [container: Document, field: string] {
  const names = path.split('.');
  return [valueAt(document, names.slice(0, -1)) as Document, names.at(-1) ?? ''];
}

const valueAt = (document: Document, names: readonly string[]): unknown =>
  names.reduce<unknown>((value, name) => (value as Document)[name], document);
