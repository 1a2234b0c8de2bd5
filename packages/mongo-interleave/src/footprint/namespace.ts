import { commandName, type Fields } from '../gate/message.ts';
import type { KnownFields } from './known-fields.ts';

/** A unique index. */
export interface UniqueKey {
  /** The indexed fields, such as `email` or `profile.mail`. */
  readonly fields: readonly string[];
  /** Fields that decide whether a document is in the index: the indexed ones, and those of a partial filter. */
  readonly decisive: readonly string[];
  /** What a partial filter demands of each document in the index, see `demandedBy`. */
  readonly within: KnownFields;
  /** Every document is in the index: it is neither sparse nor partial. */
  readonly isTotal: boolean;
  /** Texts are equal if the index's collation says so, so nothing is known of them. */
  readonly folds: boolean;
}

/** What is known of a collection. */
export interface Namespace {
  /**
   * - `collection`: a collection as most are
   * - `missing`: the first insert creates it
   * - `special`: a view, a capped collection, a time series: reads and writes reach further than their commands tell
   */
  readonly kind: 'collection' | 'missing' | 'special';
  /** Without the index of `_id`. */
  readonly unique: readonly UniqueKey[];
  /** The default collation folds texts. */
  readonly folds: boolean;
  /** The server refuses documents that the collection's validator does not accept. */
  readonly hasValidator: boolean;
  /** Top-level fields that hold an array in some document. */
  readonly arrays: ReadonlySet<string>;
  /** All indexes, as `createIndexes` takes them. */
  readonly indexes: readonly Fields[];
}

/** Namespaces by name, `database.collection`. */
export interface Schema {
  /** A namespace that was not loaded counts as special. */
  of(namespace: string): Namespace;
}

/** The namespace of a command on one collection; undefined for commands on a whole database. */
export function namespaceOf(command: Fields): string | undefined {
  const collection = command[commandName(command)];
  return typeof collection === 'string' ? inDatabaseOf(command, collection) : undefined;
}

export const databaseOf = (namespace: string): string => namespace.slice(0, namespace.indexOf('.'));

/** The name of a namespace's collection. */
export const collectionNameOf = (namespace: string): string => namespace.slice(namespace.indexOf('.') + 1);

/** A collection in the database of a command. */
export const inDatabaseOf = ({ $db }: Fields, collection: string): string => `${String($db)}.${collection}`;

/**
 * A namespace without the name of its database, which differs between workers, and may differ between runs. Only the scenario's own
 * database is told from others.
 */
export function relativeTo(database: string, namespace: string): string {
  return `${databaseOf(namespace) === database ? '' : 'another'}.${collectionNameOf(namespace)}`;
}

/** Where a stage of a pipeline writes to, as `database.collection`; undefined for a stage that only reads. */
export function targetOf(stage: Fields, command: Fields): string | undefined {
  const target = stage['$out'] ?? (stage['$merge'] as Fields | undefined)?.['into'] ?? stage['$merge'];
  if (typeof target === 'string') return inDatabaseOf(command, target);
  const { db = command['$db'], coll } = (target ?? {}) as Fields;
  return typeof coll === 'string' ? inDatabaseOf({ $db: db }, coll) : undefined;
}
