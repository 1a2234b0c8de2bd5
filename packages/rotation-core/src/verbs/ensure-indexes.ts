import type { Db, Document, IndexDescription } from 'mongodb';
import { keysOf } from '../documents.ts';
import { RotationError } from '../errors.ts';
import type { CallContext } from '../flow/context.ts';
import { isUnreachable, serverAnswerOf } from '../flow/driver-error.ts';
import { requireTransactions } from '../flow/require-transactions.ts';
import { retry } from '../flow/retry-transaction.ts';
import { indexesOf, type NamedIndex } from '../indexes.ts';
import { BSON_TYPE_OF, idKindOfValue } from '../ids.ts';
import { archiveOf, idKindOf, type Pool } from '../pool.ts';

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

function structureOf(pool: Pool): Structure {
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
export async function checkIndexes({ db, pool }: CallContext): Promise<readonly MissingStructure[]> {
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

/** Where the keys have ids of another kind, `rotate` would find none of them. */
async function expectIdKind(db: Db, pool: Pool): Promise<void> {
  const keys = keysOf(db, pool);
  const idOnly = { projection: { _id: 1 } } as const;
  const own = await keys.findOne({ _id: { $type: BSON_TYPE_OF[idKindOf(pool)] } }, idOnly);
  const kind = own === null ? idKindOfValue((await keys.findOne({}, idOnly))?._id) : undefined;
  if (kind !== undefined)
    throw new RotationError(
      'invalid-argument',
      `Pool ${pool.name}: the ids in ${pool.collections.keys} are of another kind: set idKind: '${kind}'`,
    );
}

/** Has this index the same fields in the same order, and is it unique where that is asked? */
const serves = (index: Document, { key, unique }: IndexDescription): boolean =>
  JSON.stringify(Object.entries(index['key'])) === JSON.stringify(Object.entries(key)) &&
  (unique !== true || index['unique'] === true);

/**
 * Creates the collections and indexes that a pool needs, and leaves alone what exists: where nothing is missing, nothing but lists
 * is asked of the server. The collections are created here because creating one inside a transaction takes stronger locks.
 */
export async function ensureIndexes(context: CallContext): Promise<void> {
  // In a failover, what was created stays, and the next attempt goes on from there.
  return retry(context, isUnreachable, () => createMissing(context));
}

async function createMissing(context: CallContext): Promise<void> {
  const { db } = context;
  await requireTransactions(db);
  const missing = await checkIndexes(context);
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
