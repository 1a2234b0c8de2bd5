import type { Db } from 'mongodb';
import { contentOf } from '../schedule/content.ts';
import type { Footprint } from './footprint.ts';
import { fieldsOf, type KnownFields } from './known-fields.ts';

/** Texts of values that are drawn anew in each run: ObjectIds, and UUIDs as strings. */
const drawn = /^(?:id |string [0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$)/;

/** What stands for drawn values. */
export type DrawnNames = ReadonlyMap<string, string>;

/**
 * Gives the drawn values of one run names that are the same in the next: what a search found out of a document must hold for that
 * document then. Those of the start state are called by their place; others by the client in whose step they came up, and
 * when. Runs of equivalent schedules agree, for each client's steps are the same, and what it sees of others depends on theirs.
 */
export class DrawnValues {
  readonly #names: Map<string, string>;
  readonly #counts = new Map<number, number>();

  constructor(start: DrawnNames) {
    this.#names = new Map(start);
  }

  /** To be called for each step of the run, in their order. */
  rename(footprint: Footprint, client: number): Footprint {
    const rename = <P extends { readonly fields: KnownFields }>(part: P): P => ({
      ...part,
      fields: new Map([...part.fields].map(([name, values]) => [name, this.#renameAll(values, client)])),
    });
    return { ...footprint, reads: footprint.reads.map(rename), writes: footprint.writes.map(rename) };
  }

  #renameAll(values: ReadonlySet<string> | undefined, client: number): ReadonlySet<string> | undefined {
    // Both texts, for it may be no drawn one after all, but the same in each run.
    return (
      values && new Set([...values].flatMap((text) => (drawn.test(text) ? [text, this.#nameOf(text, client)] : [text])))
    );
  }

  #nameOf(text: string, client: number): string {
    const known = this.#names.get(text);
    if (known !== undefined) return known;
    const count = this.#counts.get(client) ?? 0;
    this.#counts.set(client, count + 1);
    const name = `drawn ${client} ${count}`;
    this.#names.set(text, name);
    return name;
  }
}

/** Names the drawn values of the start state by collection, place and field. What comes out the same twice is not read again. */
export class StartNames {
  readonly #names = new Map<string, DrawnNames>();
  #unstable: readonly string[] | undefined;

  /** To be called after each reset. */
  async read(db: Db): Promise<DrawnNames> {
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
    // One that stands in two collections has the name of the last, whichever was read first.
    const inOrder = [...this.#names].toSorted(([one], [other]) => (one < other ? -1 : 1));
    return new Map(inOrder.flatMap(([, names]) => [...names]));
  }
}

async function collectionsOf(db: Db): Promise<string[]> {
  const collections = await db.listCollections({ type: 'collection' }, { nameOnly: true }).toArray();
  return collections.map(({ name }) => name);
}

/** Documents are put in the order of what is not drawn. */
async function nameDocuments(db: Db, collection: string): Promise<DrawnNames> {
  const names = new Map<string, string>();
  const documents = await db.collection(collection).find({}).toArray();
  const placed = documents.map((document) => ({ document, content: contentOf(document) }));
  placed.sort((one, other) => (one.content < other.content ? -1 : one.content > other.content ? 1 : 0));
  for (const [place, { document }] of placed.entries()) {
    for (const [field, values] of fieldsOf(document)) {
      for (const text of values ?? [])
        if (drawn.test(text) && !names.has(text)) names.set(text, `${collection} ${place} ${field}`);
    }
  }
  return names;
}
