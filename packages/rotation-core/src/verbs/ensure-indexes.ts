import type { Collection, Db, Document, IndexDescription } from 'mongodb';
import { RotationError } from '../errors.ts';
import type { CallContext } from '../flow/context.ts';
import { serverAnswerOf } from '../flow/driver-error.ts';
import { requireTransactions } from '../flow/require-transactions.ts';
import { retryCommand } from '../flow/retry-transaction.ts';
import { indexesOf, type NamedIndex } from '../indexes.ts';
import { BSON_TYPE_OF, idKindOfValue, type IdKind } from '../ids.ts';
import { archiveOf, idKindOf, type AnyPool } from '../pool.ts';

const NAMESPACE_EXISTS = 48;
/** The same index exists under another name. */
const INDEX_OPTIONS_CONFLICT = 85;

/** A collection or an index that a pool needs and that does not exist. */
export type MissingStructure =
  | { readonly kind: 'collection'; readonly collection: string }
  | {
      readonly kind: 'index';
      readonly collection: string;
      /** As in `rotation_free`. An index with the same fields does as well, whatever its name is. */
      readonly name: string;
      /** What the index is created with: `key`, and `unique`, `sparse` and `partialFilterExpression` where it has them. */
      readonly description: Readonly<IndexDescription>;
    };

/** The collections and indexes of a pool. */
interface Structure {
  readonly collections: readonly string[];
  readonly indexes: readonly {
    readonly collection: string;
    readonly description: NamedIndex;
  }[];
}

function structureOf(pool: AnyPool): Structure {
  const { keys, backups, bindings } = pool.collections;
  const archive = archiveOf(pool);
  const needed = indexesOf(pool);
  return {
    collections: [keys, backups, bindings, ...(archive === undefined ? [] : [archive])],
    indexes: [
      ...needed.keys.map((description) => ({ collection: keys, description })),
      ...needed.backups.map((description) => ({ collection: backups, description })),
      ...needed.bindings.map((description) => ({ collection: bindings, description })),
    ],
  };
}

/**
 * Finds out which collections and indexes of the pool are missing, and creates nothing. Needs the right to list them.
 *
 * @throws RotationError `invalid-argument` if the keys have ids of another kind than the pool says
 */
export async function checkIndexes(context: CallContext): Promise<readonly MissingStructure[]> {
  return retryCommand(context, () => findMissing(context));
}

async function findMissing({ db, pool }: CallContext): Promise<readonly MissingStructure[]> {
  await expectIdKind(db, pool);
  const { collections, indexes } = structureOf(pool);
  const found = await db.listCollections({ name: { $in: [...collections] } }, { nameOnly: true }).toArray();
  const existing = new Set(found.map(({ name }) => name));
  const existingIndexes = new Map<string, readonly Document[]>();
  for (const collection of existing) existingIndexes.set(collection, await db.collection(collection).indexes());
  return [
    ...collections
      .filter((name) => !existing.has(name))
      .map((collection) => ({ kind: 'collection', collection }) as const),
    ...indexes
      .filter(
        ({ collection, description }) => !existingIndexes.get(collection)?.some((index) => serves(index, description)),
      )
      .map(
        ({ collection, description }) => ({ kind: 'index', collection, name: description.name, description }) as const,
      ),
  ];
}

/**
 * Where the ids in a collection are of another kind, rotations would find none of them: neither the keys, nor their bindings, nor the claims of
 * older flows. A few that are different are left alone.
 */
async function expectIdKind(db: Db, pool: AnyPool): Promise<void> {
  const { keys, bindings, backups } = pool.collections;
  for (const [collection, field] of [
    [keys, '_id'],
    [bindings, pool.bindingKeyField],
    [backups, 'usedFor'],
  ] as const) {
    const other = await findOtherKind(db.collection(collection), field, idKindOf(pool));
    if (other !== undefined) {
      const remedy =
        collection === keys
          ? `set idKind: '${other}'`
          : `rotations would not find them; the ids of the keys are of the kind ${idKindOf(pool)}`;
      throw new RotationError(
        'invalid-argument',
        `Pool ${pool.name}: the ids in ${collection}.${field} are of the kind ${other}: ${remedy}`,
      );
    }
  }
}

/** @returns the kind of the ids in a field, if there are some, and none of `kind` */
async function findOtherKind(collection: Collection, field: string, kind: IdKind): Promise<IdKind | undefined> {
  const find = (types: readonly string[]): Promise<Document | null> =>
    // '' is how services write "none".
    collection.findOne({ [field]: { $type: [...types], $ne: '' } }, { projection: { [field]: 1 } });
  if ((await find([BSON_TYPE_OF[kind]])) !== null) return undefined;
  const found: unknown = (await find(Object.values(BSON_TYPE_OF)))?.[field];
  return idKindOfValue(Array.isArray(found) ? found[0] : found);
}

/** Has this index the same fields in the same order, does it hold all documents that are asked for, and is it unique where that is asked? */
const serves = (
  index: Document,
  { key, unique, sparse, collation, partialFilterExpression }: IndexDescription,
): boolean =>
  isSame(Object.entries(index['key']), Object.entries(key)) &&
  (unique !== true ||
    (index['unique'] === true && isSame(index['partialFilterExpression'], partialFilterExpression))) &&
  (index['partialFilterExpression'] === undefined ||
    isSame(index['partialFilterExpression'], partialFilterExpression)) &&
  (index['sparse'] !== true || sparse === true) &&
  // The server names no collation where it compares texts as they are.
  (collation === undefined || index['collation'] === undefined) &&
  index['hidden'] !== true;

const isSame = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);

/**
 * Creates the collections and indexes that a pool needs, and leaves alone what exists: where nothing is missing, nothing but lists
 * is asked of the server. The collections are created here because creating one inside a transaction takes stronger locks.
 */
export async function ensureIndexes(context: CallContext): Promise<void> {
  // In a failover, what was created stays, and the next attempt goes on from there.
  return retryCommand(context, () => createMissing(context));
}

async function createMissing(context: CallContext): Promise<void> {
  const { db } = context;
  await requireTransactions(db);
  const missing = await findMissing(context);
  for (const structure of missing) {
    if (structure.kind === 'collection')
      await db.createCollection(structure.collection).catch(unless(NAMESPACE_EXISTS));
    else await createIndex(db, structure);
  }
}

/**
 * Creates one index: an index that conflicts would keep out the others of the same command. Without `commitQuorum` the server waits
 * until every member has built it, for ever where one is down.
 */
async function createIndex(
  db: Db,
  { collection, description }: Extract<MissingStructure, { kind: 'index' }>,
): Promise<void> {
  await db
    .collection(collection)
    .createIndexes([description], { commitQuorum: 'majority' })
    .catch(unless(INDEX_OPTIONS_CONFLICT));
}

const unless =
  (code: number) =>
  (error: unknown): void => {
    if (serverAnswerOf(error)?.code !== code) throw error;
  };
