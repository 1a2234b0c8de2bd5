import { isDeepStrictEqual } from 'node:util';
import type { Db, Document, MongoClient } from 'mongodb';
import type { Fields } from '../gate/message.ts';
import { demandedBy, entriesOf, withoutStrings } from './known-fields.ts';
import { collectionNameOf, databaseOf, type Namespace, type Schema, type UniqueKey } from './namespace.ts';

const UNKNOWN: Namespace = {
  kind: 'special',
  unique: [],
  folds: true,
  hasValidator: true,
  arrays: new Set(),
  indexes: [],
};

/**
 * Reads what the server knows of collections, past the gate. A start state is the same before each run, so each collection is read once,
 * unless a run changes what was read.
 */
export class SchemaReader {
  readonly #client: MongoClient;
  readonly #startState = new Map<string, Namespace>();

  constructor(client: MongoClient) {
    this.#client = client;
  }

  /** The schema of one run. */
  open(): RunSchema {
    return new RunSchema(this.#startState, (namespace) => readNamespace(this.#client, namespace));
  }

  /** The collections that were read so far. */
  get namespaces(): Iterable<string> {
    return this.#startState.keys();
  }

  /**
   * Reads all collections again that are there. Must be called after a reset.
   *
   * @returns true if one of them has other options or indexes than before
   */
  async recheck(): Promise<boolean> {
    const databases = new Set([...this.namespaces].map(databaseOf));
    const found = await Promise.all([...databases].map((name) => collectionsOf(this.#client.db(name))));
    let isAnother = false;
    for (const namespace of found.flat()) {
      const before = this.#startState.get(namespace);
      if (before === undefined) continue;
      const now = await readNamespace(this.#client, namespace);
      this.#startState.set(namespace, now);
      isAnother ||= !isDeepStrictEqual({ ...now, arrays: before.arrays }, before);
    }
    return isAnother;
  }

  /** The start state may be another one from now on. */
  forget(): void {
    this.#startState.clear();
  }
}

/** The schema as one run finds it. */
export class RunSchema implements Schema {
  readonly #startState: Map<string, Namespace>;
  readonly #read: (namespace: string) => Promise<Namespace>;
  readonly #changed = new Map<string, Namespace>();
  #hasChanged = false;

  constructor(startState: Map<string, Namespace>, read: (namespace: string) => Promise<Namespace>) {
    this.#startState = startState;
    this.#read = read;
  }

  /** Must be called with each namespace before it is asked for, between two commands. */
  async load(namespaces: Iterable<string>): Promise<void> {
    const known = this.#hasChanged ? this.#changed : this.#startState;
    const missing = [...new Set(namespaces)].filter((namespace) => !known.has(namespace));
    for (const namespace of missing) known.set(namespace, await this.#read(namespace));
  }

  of(namespace: string): Namespace {
    return (this.#hasChanged ? this.#changed : this.#startState).get(namespace) ?? UNKNOWN;
  }

  /** A command may have changed the schema. */
  change(): void {
    this.#hasChanged = true;
    this.#changed.clear();
  }

  /** Has a command of this run changed the schema? Then a reset may make another start state than the last time. */
  get hasChanged(): boolean {
    return this.#hasChanged;
  }
}

/** Without views. */
export async function collectionsOf(db: Db): Promise<string[]> {
  const found = await db.listCollections({ type: 'collection' }, { nameOnly: true }).toArray();
  return found.map(({ name }) => `${db.databaseName}.${name}`);
}

async function readNamespace(client: MongoClient, namespace: string): Promise<Namespace> {
  const db = client.db(databaseOf(namespace));
  const name = collectionNameOf(namespace);
  const [found] = await db.listCollections({ name }).toArray();
  if (found === undefined) return { ...UNKNOWN, kind: 'missing' };
  const { type, options = {} } = found as { readonly type?: string; readonly options?: Document };
  if (type !== 'collection' || options['capped'] === true) return UNKNOWN;
  const folds = options['collation'] !== undefined;
  const indexes: readonly Fields[] = await db.collection(name).indexes();
  const unique = indexes.filter((index) => index['unique'] === true).map(uniqueKeyOf);
  const hasValidator = options['validator'] !== undefined;
  return { kind: 'collection', unique, folds, hasValidator, arrays: await readArrayFields(db, name), indexes };
}

function uniqueKeyOf({ key, sparse, partialFilterExpression, collation }: Fields): UniqueKey {
  const fields = entriesOf(key).map(([field]) => field);
  return {
    fields,
    decisive: [...fields, ...pathsIn(partialFilterExpression)],
    within: withoutStrings(demandedBy(partialFilterExpression)),
    isTotal: sparse !== true && partialFilterExpression === undefined,
    folds: collation !== undefined,
  };
}

/** All fields that a filter names, at any depth of its operators. */
function pathsIn(filter: unknown): string[] {
  const parts: readonly unknown[] = Array.isArray(filter) ? filter : [];
  return [
    ...parts.flatMap(pathsIn),
    ...entriesOf(filter).flatMap(([name, condition]) => (name.startsWith('$') ? pathsIn(condition) : [name])),
  ];
}

/** The fields that hold an array in some document. */
async function readArrayFields(db: Db, collection: string): Promise<Set<string>> {
  const fields = db
    .collection(collection)
    .aggregate<{ readonly _id: string }>([
      { $project: { field: { $objectToArray: '$$ROOT' } } },
      { $unwind: '$field' },
      { $match: { $expr: { $isArray: '$field.v' } } },
      { $group: { _id: '$field.k' } },
    ]);
  return new Set(await fields.map(({ _id }) => _id).toArray());
}
