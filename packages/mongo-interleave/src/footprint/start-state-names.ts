import type { Db } from 'mongodb';
import type { Fields } from '../gate/message.ts';
import { contentWith, eachPart, entriesOf, fieldsOf, fieldText } from './known-fields.ts';
import { relativeTo } from './namespace.ts';

/** What is known of the values of one start state. */
export interface StartState {
  /** Names of the values that a reset draws anew, by their texts. */
  readonly names: ReadonlyMap<string, string>;
  /** Is the text of this value, or of this field (see `fieldText`), in the same place of each start state? */
  readonly isSteady: (text: string) => boolean;
  /** Fields that hold an array, as `database.collection.field`, of the collections that differ from run to run. */
  readonly arrays: readonly string[];
}

/** A collection as it was read first, and what later reads have left of that. */
interface Collection {
  readonly first: readonly Fields[];
  readonly texts: ReadonlySet<string>;
  /** Those of `texts` that were found again in their places. Undefined until the second read. */
  readonly steady: ReadonlySet<string> | undefined;
  /** It need not be read before each run. */
  readonly isStable: boolean;
}

const NONE: ReadonlySet<string> = new Set();

const both = (some: ReadonlySet<string>, others: ReadonlySet<string>): ReadonlySet<string> =>
  new Set([...some].filter((text) => others.has(text)));

/**
 * Names the values of the start state that a reset draws anew, by collection, place and field. A collection that was the same twice is
 * taken to be the same before each run, unless {@link StartStateNames.recheck} finds another one.
 */
export class StartStateNames {
  readonly #db: Db;
  /** By namespace. */
  readonly #collections = new Map<string, Collection>();
  #namespaces: Set<string> | undefined;

  /** @param db the database of the scenario */
  constructor(db: Db) {
    this.#db = db;
  }

  /** Must be called after each reset. @param touched namespaces that the flows have touched, also of other databases */
  async read(touched: Iterable<string>): Promise<StartState> {
    this.#namespaces ??= new Set(await collectionsOf(this.#db));
    for (const namespace of touched) this.#namespaces.add(namespace);
    const unstable = [...this.#namespaces]
      .filter((namespace) => this.#collections.get(namespace)?.isStable !== true)
      .toSorted();
    const found = await Promise.all(unstable.map((namespace) => this.#documentsOf(namespace)));
    const names = new Map<string, string>();
    const unsteady = new Set<string>();
    const arrays: string[] = [];
    // A value in two collections gets the name from the last of them.
    for (const [index, namespace] of unstable.entries()) {
      const documents = found[index] ?? [];
      for (const [text, name] of this.#compare(namespace, documents)) names.set(text, name);
      const steady = this.#collections.get(namespace)?.steady ?? NONE;
      for (const text of textsOf(documents)) if (!steady.has(text)) unsteady.add(text);
      arrays.push(...arraysIn(documents).map((field) => `${namespace}.${field}`));
    }
    const steady = [...this.#collections.values()].flatMap((collection) => collection.steady ?? []);
    const isSteady = (text: string): boolean => !unsteady.has(text) && steady.some((texts) => texts.has(text));
    return { names, isSteady, arrays };
  }

  /**
   * Reads the collections again that were taken to be the same before each run. Must be called after a reset.
   *
   * @param existing collections; others had names that are drawn anew
   * @returns true if one of them is not the same: what was compared between two runs may have been wrong
   */
  async recheck(existing: ReadonlySet<string>): Promise<boolean> {
    const stable = [...this.#collections].filter(([, { isStable }]) => isStable);
    const namespaces = stable
      .filter(([namespace, { first }]) => first.length > 0 || existing.has(namespace))
      .map(([namespace]) => namespace);
    const found = await Promise.all(namespaces.map((namespace) => this.#documentsOf(namespace)));
    for (const [index, namespace] of namespaces.entries()) this.#compare(namespace, found[index] ?? []);
    return namespaces.some((namespace) => this.#collections.get(namespace)?.isStable === false);
  }

  /** Writes down what was read of a collection. @returns the names of its drawn values */
  #compare(namespace: string, documents: readonly Fields[]): ReadonlyMap<string, string> {
    const before = this.#collections.get(namespace);
    const texts = textsOf(documents);
    const relative = relativeTo(this.#db.databaseName, namespace);
    if (before === undefined) {
      // Nothing of an empty collection is relied on, so it is not read again.
      const isStable = documents.length === 0;
      this.#collections.set(namespace, { first: documents, texts, steady: undefined, isStable });
      return nameDrawn(relative, documents, new Set([...texts].filter(looksDrawn)));
    }
    const { first, steady = before.texts } = before;
    const isSame = areAlike(first, documents, () => true);
    const common = isSame ? before.texts : both(before.texts, texts);
    // Values that have only changed places are as good as drawn.
    const kept = isSame || areAlike(first, documents, (text) => common.has(text)) ? common : NONE;
    const isStable = isSame && (before.isStable || before.steady === undefined);
    const steadyNow = isSame ? steady : both(steady, kept);
    this.#collections.set(namespace, { ...before, steady: steadyNow, isStable });
    // Also a value of an earlier start state that has come back.
    return nameDrawn(relative, documents, new Set([...texts].filter((text) => !steadyNow.has(text))));
  }

  /** The collections that there are in the databases of these. */
  async existing(touched: Iterable<string>): Promise<ReadonlySet<string>> {
    const namespaces = [...this.#collections.keys(), ...touched];
    const databases = new Set(namespaces.map((namespace) => namespace.slice(0, namespace.indexOf('.'))));
    const found = await Promise.all([...databases].map((name) => collectionsOf(this.#db.client.db(name))));
    return new Set(found.flat());
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

async function collectionsOf(db: Db): Promise<string[]> {
  const found = await db.listCollections({ type: 'collection' }, { nameOnly: true }).toArray();
  return found.map(({ name }) => `${db.databaseName}.${name}`);
}

/** ObjectIds, and UUIDs as strings: known as drawn before a second reset has shown it. */
const looksDrawn = (text: string): boolean => /^(?:id |string [0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$)/.test(text);

/** Of all values and fields, at any depth. */
function textsOf(documents: readonly Fields[]): Set<string> {
  const texts = new Set<string>();
  for (const document of documents)
    eachPart(
      document,
      (text) => texts.add(text),
      (field) => texts.add(fieldText(field)),
    );
  return texts;
}

const arraysIn = (documents: readonly Fields[]): string[] => [
  ...new Set(
    documents.flatMap((one) => entriesOf(one).flatMap(([field, value]) => (Array.isArray(value) ? field : []))),
  ),
];

/** Are they the same documents, in whatever order, if all other texts count as equal? */
function areAlike(some: readonly Fields[], others: readonly Fields[], matters: (text: string) => boolean): boolean {
  if (some.length !== others.length) return false;
  const [one, other] = [some, others].map((documents) => documents.map((each) => contentOf(each, matters)).toSorted());
  return one?.every((content, index) => content === other?.[index]) === true;
}

/** A document as text, in which all texts that don't matter are equal. */
const contentOf = (document: Fields, matters: (text: string) => boolean): string =>
  contentWith(
    document,
    (text) => (matters(text) ? text : ''),
    (field) => (matters(fieldText(field)) ? JSON.stringify(field) : ''),
  );

/** The place of a document is its place in the order of contents, in which drawn values count as equal, then of insertion. */
function nameDrawn(namespace: string, documents: readonly Fields[], drawn: ReadonlySet<string>): Map<string, string> {
  const names = new Map<string, string>();
  if (drawn.size === 0) return names;
  const placed = documents.map((document) => ({ document, content: contentOf(document, (text) => !drawn.has(text)) }));
  placed.sort((one, other) => (one.content < other.content ? -1 : one.content > other.content ? 1 : 0));
  for (const [place, { document }] of placed.entries()) {
    for (const [field, values] of fieldsOf(document))
      for (const text of values ?? [])
        if (drawn.has(text) && !names.has(text)) names.set(text, `${namespace} ${place} ${field}`);
  }
  return names;
}
