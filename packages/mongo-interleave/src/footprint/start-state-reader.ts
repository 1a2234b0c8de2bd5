import type { Db } from 'mongodb';
import type { Fields } from '../gate/message.ts';
import { entriesOf } from './known-fields.ts';
import { collectionNameOf, databaseOf, relativeTo } from './namespace.ts';
import { collectionsOf } from './schema-reader.ts';
import { textsOf, type StartStates } from './start-states.ts';

/** What is known of the values of one start state. */
export interface StartState {
  /** Names of the values and fields that a reset draws anew, by their texts. */
  readonly names: ReadonlyMap<string, string>;
  /** Is the text of this value, or of this field (see `fieldText`), in the same place of each start state? */
  readonly isSteady: (text: string) => boolean;
  /** Collections, see {@link StartStates.uneven}. */
  readonly uneven: readonly string[];
  /** Fields that hold an array, as `database.collection.field`, of the collections that differ from run to run. */
  readonly arrays: readonly string[];
}

/**
 * Reads the start states of one worker, past the gate. A collection that was the same twice is read again only if the server's hash of
 * its documents has changed.
 */
export class StartStateReader {
  readonly #db: Db;
  readonly #states: StartStates;
  /** Collections that were there at the first read, or that the flows have touched. */
  #known: Set<string> | undefined;
  /** The server's hashes at the last read, by namespace. */
  readonly #hashes = new Map<string, string>();
  /** Collections whose hash changes from run to run. */
  readonly #changing = new Set<string>();
  /** Collections that only flows make. Of these nothing is relied on. */
  readonly #missing = new Set<string>();

  /**
   * @param db the database of the scenario
   * @param states what the workers of the session know. Is changed
   */
  constructor(db: Db, states: StartStates) {
    this.#db = db;
    this.#states = states;
  }

  /** Must be called after each reset. @param touched namespaces that the flows have touched, also of other databases */
  async read(touched: Iterable<string>): Promise<StartState> {
    this.#known ??= new Set(await collectionsOf(this.#db));
    const toHash: string[] = [];
    for (const namespace of touched) {
      this.#learn(namespace);
      if (!this.#isRead(namespace) && !this.#missing.has(namespace)) toHash.push(namespace);
    }
    const toRead = [...this.#known].filter((namespace) => this.#isRead(namespace));
    const [changed, found] = await Promise.all([this.#changedOf(toHash), this.#documentsOf(toRead)]);
    return this.#compare([...found, ...(await this.#documentsOf(changed))]);
  }

  /** Of the scenario's own database, what was not there at first was empty. */
  #learn(namespace: string): void {
    if (this.#known?.has(namespace) === true) return;
    this.#known?.add(namespace);
    const relative = relativeTo(this.#db.databaseName, namespace);
    if (databaseOf(namespace) === this.#db.databaseName && !this.#states.has(relative)) this.#states.add(relative, []);
  }

  /** Are its documents read each time? */
  #isRead(namespace: string): boolean {
    return this.#changing.has(namespace) || !this.#isStable(namespace);
  }

  #isStable(namespace: string): boolean {
    return this.#states.isStable(relativeTo(this.#db.databaseName, namespace));
  }

  #compare(found: readonly (readonly [namespace: string, documents: readonly Fields[]])[]): StartState {
    const names = new Map<string, string>();
    const unsteady = new Set<string>();
    const arrays: string[] = [];
    // A value in two collections gets the name from the last of them.
    for (const [namespace, documents] of found) {
      const relative = relativeTo(this.#db.databaseName, namespace);
      for (const [text, name] of this.#states.add(relative, documents)) names.set(text, name);
      const steady = this.#states.steadyOf(relative);
      for (const text of textsOf(documents)) if (!steady.has(text)) unsteady.add(text);
      arrays.push(...arraysIn(documents).map((field) => `${namespace}.${field}`));
    }
    const isSteady = (text: string): boolean => !unsteady.has(text) && this.#states.isSteady(text);
    return { names, isSteady, uneven: this.#states.uneven, arrays };
  }

  /** @returns those whose documents are not what they were at the last read */
  async #changedOf(namespaces: readonly string[]): Promise<string[]> {
    const byDatabase = Map.groupBy(namespaces, databaseOf);
    const changed = [...byDatabase].map(async ([database, all]) => {
      const names = all.map(collectionNameOf);
      const { collections } = await this.#db.client.db(database).command({ dbHash: 1, collections: names });
      const hashes = new Map(Object.entries(collections as Readonly<Record<string, string>>));
      return all.filter((namespace, index) => this.#hasChanged(namespace, hashes.get(names[index] ?? '')));
    });
    return (await Promise.all(changed)).flat();
  }

  #hasChanged(namespace: string, hash: string | undefined): boolean {
    const before = this.#hashes.get(namespace);
    if (hash === undefined) this.#missing.add(namespace);
    else this.#hashes.set(namespace, hash);
    if (before !== undefined && before !== hash) this.#changing.add(namespace);
    return before !== hash;
  }

  #documentsOf(namespaces: readonly string[]): Promise<(readonly [string, readonly Fields[]])[]> {
    return Promise.all(
      namespaces.map(async (namespace) => {
        const collection = this.#db.client.db(databaseOf(namespace)).collection(collectionNameOf(namespace));
        return [namespace, await collection.find({}).toArray()] as const;
      }),
    );
  }
}

const arraysIn = (documents: readonly Fields[]): string[] => [
  ...new Set(
    documents.flatMap((one) => entriesOf(one).flatMap(([field, value]) => (Array.isArray(value) ? field : []))),
  ),
];
