import type { Db } from 'mongodb';
import { contentOf } from '../gate/content.ts';
import type { Footprint } from './footprint.ts';
import { fieldsOf, type KnownFields } from './known-fields.ts';

/** Texts of values that may be generated anew in each run: ObjectIds, and UUIDs as strings. */
const GENERATED = /^(?:id |string [0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$)/;

/** Names of generated values, by their texts. */
export type IdNames = ReadonlyMap<string, string>;

/**
 * Gives the generated ids of one run names that are the same in the next run. Without them, what a search learned about a document in one
 * run would not hold for the same document in the next. An id of the start state is named by its place there, any other id by the client
 * in whose step it first came up, and its number there. Runs of equivalent schedules agree on the names, because each client's steps are
 * the same in all of them.
 */
export class GeneratedIds {
  readonly #names: Map<string, string>;
  readonly #counts = new Map<number, number>();

  constructor(startState: IdNames) {
    this.#names = new Map(startState);
  }

  /** Must be called for each step of the run, in order. */
  rename(footprint: Footprint, client: number): Footprint {
    const rename = <P extends { readonly fields: KnownFields }>(part: P): P => ({
      ...part,
      fields: new Map([...part.fields].map(([name, values]) => [name, this.#renameAll(values, client)])),
    });
    return { ...footprint, reads: footprint.reads.map(rename), writes: footprint.writes.map(rename) };
  }

  #renameAll(values: ReadonlySet<string> | undefined, client: number): ReadonlySet<string> | undefined {
    if (values === undefined) return undefined;
    // The text stays beside the name: an id that looks generated may be a constant of the flow, the same in each run.
    const texts = [...values].flatMap((text) => (GENERATED.test(text) ? [text, this.#nameOf(text, client)] : [text]));
    return new Set(texts);
  }

  #nameOf(text: string, client: number): string {
    const known = this.#names.get(text);
    if (known !== undefined) return known;
    const count = this.#counts.get(client) ?? 0;
    this.#counts.set(client, count + 1);
    const name = `generated ${client} ${count}`;
    this.#names.set(text, name);
    return name;
  }
}

/** Names the generated ids of the start state by collection, place and field. A collection whose ids stay the same is read only twice. */
export class StartStateIds {
  readonly #names = new Map<string, IdNames>();
  #unstable: readonly string[] | undefined;

  /** Must be called after each reset. */
  async read(db: Db): Promise<IdNames> {
    this.#unstable ??= await collectionsOf(db);
    const stillUnstable: string[] = [];
    await Promise.all(
      this.#unstable.map(async (collection) => {
        const names = await nameDocuments(db, collection);
        const before = this.#names.get(collection);
        const isStable = before?.size === names.size && [...names.keys()].every((text) => before.has(text));
        this.#names.set(collection, names);
        if (!isStable) stillUnstable.push(collection);
      }),
    );
    this.#unstable = stillUnstable;
    // An id in two collections gets the name from the last of them, in whatever order they were read.
    const inOrder = [...this.#names].toSorted(([one], [other]) => (one < other ? -1 : 1));
    return new Map(inOrder.flatMap(([, names]) => [...names]));
  }
}

async function collectionsOf(db: Db): Promise<string[]> {
  const collections = await db.listCollections({ type: 'collection' }, { nameOnly: true }).toArray();
  return collections.map(({ name }) => name);
}

/** The place of a document is its place in the order of contents, in which generated values count as equal. */
async function nameDocuments(db: Db, collection: string): Promise<IdNames> {
  const names = new Map<string, string>();
  const documents = await db.collection(collection).find({}).toArray();
  const placed = documents.map((document) => ({ document, content: contentOf(document) }));
  placed.sort((one, other) => (one.content < other.content ? -1 : one.content > other.content ? 1 : 0));
  for (const [place, { document }] of placed.entries()) {
    for (const [field, values] of fieldsOf(document)) {
      for (const text of values ?? [])
        if (GENERATED.test(text) && !names.has(text)) names.set(text, `${collection} ${place} ${field}`);
    }
  }
  return names;
}
