import type { Db } from 'mongodb';
import type { Fields } from '../gate/message.ts';
import type { Footprint } from './footprint.ts';
import { relativeTo } from './namespace.ts';
import { NULL_TEXT, fieldsOf, valueText, type KnownFields } from './known-fields.ts';

/** Names of values, by their texts. */
export type StartNames = ReadonlyMap<string, string>;

/** Fields of a command that are no values of the flow. */
const OUTSIDE: ReadonlySet<string> = new Set(['$clusterTime', '$db', 'lsid', 'txnNumber', 'getMore', 'operationTime']);

/**
 * Names the values of one run so that a footprint of an earlier run can be compared with one of this run, although values that the flows
 * draw (ObjectIds, tokens, hashes) differ from run to run.
 *
 * A value is named by each place where it first came up: the client, the number of its command, and the place in the command. A
 * sleeping command is held at the gate in this run as well, with the values of this run, so its own places are known. Thus a later
 * step shares a name with it exactly if it shares the value. Values that only the server knew are named by their place in the start
 * state or in a reply.
 */
export class ValueNames {
  readonly #places = new Map<string, string[]>();
  readonly #database: string;
  /** Texts and clients that have a place. */
  readonly #seen = new Set<string>();
  readonly #seenCommands = new WeakSet<Fields>();

  /** @param database of the scenario; each worker has another, and their footprints are compared as well */
  constructor(database: string) {
    this.#database = database;
  }

  /** Must be called before anything is seen. */
  start(names: StartNames): void {
    for (const [text, name] of names) this.#places.set(text, [name]);
  }

  /** A command has come to the gate. Must be called with all held commands before a step is taken; once for each is enough. */
  see(client: number, number: number, body: Fields): void {
    if (this.#seenCommands.has(body)) return;
    this.#seenCommands.add(body);
    let place = 0;
    for (const [name, value] of Object.entries(body)) {
      if (OUTSIDE.has(name)) continue;
      eachScalar(value, (text) => this.#name(text, client, `${client} ${number} ${place++}`));
    }
  }

  /** A reply to a command: names the values that have no name yet. */
  seeReply(client: number, number: number, reply: Fields): void {
    let place = 0;
    eachScalar([reply['cursor'], reply['value'], reply['upserted']], (text) => {
      const name = `${client} ${number} reply ${place++}`;
      if (!this.#places.has(text)) this.#places.set(text, [name]);
    });
  }

  /** The same footprint with the names of its values beside them, and without the name of the scenario's database. */
  rename(footprint: Footprint): Footprint {
    const rename = <P extends { readonly fields: KnownFields; readonly namespace: string }>(part: P): P => ({
      ...part,
      namespace: relativeTo(this.#database, part.namespace),
      fields: new Map([...part.fields].map(([field, values]) => [field, values && this.#namesOf(values)])),
    });
    const { reads, writes, inserts, orderedReads } = footprint;
    return {
      ...footprint,
      reads: reads.map(rename),
      writes: writes.map(rename),
      inserts: inserts.map(rename),
      orderedReads: orderedReads.map(rename),
    };
  }

  #name(text: string, client: number, name: string): void {
    const key = `${client} ${text}`;
    if (this.#seen.has(key)) return;
    this.#seen.add(key);
    const places = this.#places.get(text);
    if (places === undefined) this.#places.set(text, [name]);
    else places.push(name);
  }

  /** The text stays beside the names: most values are the same in each run. */
  #namesOf(values: ReadonlySet<string>): ReadonlySet<string> {
    return new Set([...values].flatMap((text) => [text, ...(this.#places.get(text) ?? [])]));
  }
}

/** Calls with the text of each scalar that has one, in order, but not with null and booleans, which no flow draws. */
function eachScalar(value: unknown, call: (text: string) => void): void {
  const text = typeof value === 'boolean' ? undefined : valueText(value);
  if (text !== undefined) {
    if (text !== NULL_TEXT) call(text);
    return;
  }
  if (Array.isArray(value)) for (const one of value) eachScalar(one, call);
  else if (typeof value === 'object' && value !== null && !('_bsontype' in value))
    for (const one of Object.values(value)) eachScalar(one, call);
}

/** Names the values of the start state that a reset draws anew, by collection, place and field. */
export class StartStateNames {
  readonly #db: Db;
  /** By namespace. A collection whose values all stay the same is read only twice. */
  readonly #collections = new Map<string, { readonly texts: ReadonlySet<string>; readonly isStable: boolean }>();
  #own: readonly string[] | undefined;

  /** @param db the database of the scenario */
  constructor(db: Db) {
    this.#db = db;
  }

  /** Must be called after each reset. @param others namespaces of other databases that the flows have touched */
  async read(others: Iterable<string>): Promise<StartNames> {
    this.#own ??= await this.#collectionsOfDb();
    const names = new Map<string, string>();
    const unstable = [...new Set([...this.#own, ...others])]
      .filter((namespace) => this.#collections.get(namespace)?.isStable !== true)
      .toSorted();
    const found = await Promise.all(unstable.map((namespace) => this.#documentsOf(namespace)));
    // A value in two collections gets the name from the last of them.
    for (const [index, namespace] of unstable.entries()) {
      const before = this.#collections.get(namespace);
      const documents = found[index] ?? [];
      const texts = new Set(documents.flatMap((document) => [...textsOf(document)]));
      const drawn =
        before === undefined
          ? new Set([...texts].filter(looksDrawn))
          : new Set([...texts].filter((text) => !before.texts.has(text)));
      const isStable = before !== undefined && drawn.size === 0;
      this.#collections.set(namespace, { texts: before?.texts ?? texts, isStable });
      for (const [text, name] of nameDrawn(relativeTo(this.#db.databaseName, namespace), documents, drawn))
        names.set(text, name);
    }
    return names;
  }

  async #collectionsOfDb(): Promise<string[]> {
    const found = await this.#db.listCollections({ type: 'collection' }, { nameOnly: true }).toArray();
    return found.map(({ name }) => `${this.#db.databaseName}.${name}`);
  }

  async #documentsOf(namespace: string): Promise<readonly Fields[]> {
    const dot = namespace.indexOf('.');
    const db = this.#db.client.db(namespace.slice(0, dot));
    return db
      .collection(namespace.slice(dot + 1))
      .find({})
      .toArray();
  }
}

/** ObjectIds, and UUIDs as strings: known as drawn before a second reset has shown it. */
const looksDrawn = (text: string): boolean => /^(?:id |string [0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$)/.test(text);

function textsOf(document: Fields): Set<string> {
  const texts = new Set<string>();
  eachScalar(document, (text) => texts.add(text));
  return texts;
}

/** The place of a document is its place in the order of contents, in which drawn values count as equal, then of insertion. */
function nameDrawn(namespace: string, documents: readonly Fields[], drawn: ReadonlySet<string>): Map<string, string> {
  const contentOf = (document: Fields): string =>
    JSON.stringify(
      [...fieldsOf(document)].map(([field, values]) => [
        field,
        [...(values ?? [])].map((text) => (drawn.has(text) ? '' : text)),
      ]),
    );
  const placed = documents.map((document) => ({ document, content: contentOf(document) }));
  placed.sort((one, other) => (one.content < other.content ? -1 : one.content > other.content ? 1 : 0));
  const names = new Map<string, string>();
  for (const [place, { document }] of placed.entries()) {
    for (const [field, values] of fieldsOf(document))
      for (const text of values ?? [])
        if (drawn.has(text) && !names.has(text)) names.set(text, `${namespace} ${place} ${field}`);
  }
  return names;
}
