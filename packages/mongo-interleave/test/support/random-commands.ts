import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { MongoServerError, type ClientSession, type Collection, type Db, type Document } from 'mongodb';

/*
 * Statements over the whole grammar of MongoDB's commands, as data, so that a flow which was drawn at random can be printed and shortened.
 * Few documents, fields and values, so that statements meet often.
 */

/** Longer than the drivers of timed flows wait. */
const PAUSE_MS = 100;

export type Draw = <V>(values: readonly V[]) => V;

/** One call of the driver, such as `unique.updateOne({ a: 'x' }, { $set: { b: 1 } })`. */
export interface Statement {
  readonly shelf: string;
  readonly method: Method;
  readonly args: readonly unknown[];
  readonly options?: Document;
}

/** Where statements run: in one client's flow, perhaps in a transaction. */
export interface Place {
  readonly db: Db;
  readonly session?: ClientSession;
  /** Makes a value that no other run makes, and that results show as `name`. */
  readonly generate: (name: string) => string;
}

interface Item extends Document {
  readonly _id: number | string;
}

/** The collections, each with an index of another kind. Those of `elsewhere` are in a second database. */
export const SHELVES: Readonly<Record<string, (things: Collection<Item>) => Promise<unknown>>> = {
  plain: (things) => things.createIndex({ b: 1 }),
  unique: (things) => things.createIndex({ a: 1 }, { unique: true }),
  partial: (things) => things.createIndex({ a: 1 }, { unique: true, partialFilterExpression: { b: 1 } }),
  collated: (things) => things.createIndex({ a: 1 }, { unique: true, collation: { locale: 'en', strength: 2 } }),
  sparse: (things) => things.createIndex({ a: 1 }, { unique: true, sparse: true }),
  compound: (things) => things.createIndex({ a: 1, b: -1 }, { unique: true }),
  multikey: (things) => things.createIndex({ tags: 1 }, { unique: true, sparse: true }),
  nested: (things) => things.createIndex({ 'p.m': 1 }, { unique: true, sparse: true }),
  expiring: (things) => things.createIndex({ at: 1 }, { expireAfterSeconds: 1_000_000_000 }),
  folded: (things) => things.createIndex({ a: 1 }, { unique: true }),
  elsewhere: (things) => things.createIndex({ a: 1 }, { unique: true, sparse: true }),
};

export const shelfOf = (db: Db, shelf: string): Collection<Item> =>
  (shelf === 'elsewhere' ? db.client.db(`${db.databaseName}_2`) : db).collection<Item>(shelf);

export async function createShelves(db: Db): Promise<void> {
  await db.client.db(`${db.databaseName}_2`).createCollection('elsewhere');
  for (const [shelf, index] of Object.entries(SHELVES)) {
    const folds = shelf === 'folded' ? { collation: { locale: 'en', strength: 2 } } : {};
    if (shelf !== 'elsewhere') await db.createCollection(shelf, folds);
    await index(shelfOf(db, shelf));
  }
}

const METHODS = {
  insertOne: ({ things, args, options }) => things.insertOne(args[0] as Item, options),
  insertMany: ({ things, args, options }) => things.insertMany(args[0] as Item[], options),
  updateOne: ({ things, args, options }) => things.updateOne(args[0] as Document, args[1] as Document, options),
  updateMany: ({ things, args, options }) => things.updateMany(args[0] as Document, args[1] as Document, options),
  replaceOne: ({ things, args, options }) => things.replaceOne(args[0] as Document, args[1] as Document, options),
  deleteOne: ({ things, args, options }) => things.deleteOne(args[0] as Document, options),
  deleteMany: ({ things, args, options }) => things.deleteMany(args[0] as Document, options),
  findOneAndUpdate: ({ things, args, options }) =>
    things.findOneAndUpdate(args[0] as Document, args[1] as Document, { ...options }),
  findOneAndReplace: ({ things, args, options }) =>
    things.findOneAndReplace(args[0] as Document, args[1] as Document, { ...options }),
  findOneAndDelete: ({ things, args, options }) => things.findOneAndDelete(args[0] as Document, { ...options }),
  find: ({ things, args, options }) => things.find(args[0] as Document, options).toArray(),
  findOne: ({ things, args, options }) => things.findOne(args[0] as Document, options),
  aggregate: ({ things, args, options }) => things.aggregate(args[0] as Document[], options).toArray(),
  countDocuments: ({ things, args, options }) => things.countDocuments(args[0] as Document, options),
  estimatedDocumentCount: ({ things }) => things.estimatedDocumentCount(),
  distinct: ({ things, args, options }) => things.distinct(args[0] as string, args[1] as Document, { ...options }),
  bulkWrite: ({ things, args, options }) =>
    things.bulkWrite(args[0] as Parameters<typeof things.bulkWrite>[0], options),
  createIndex: ({ things }) => things.createIndex({ b: 1 }).then(() => 'ok'),
  listIndexes: ({ things }) => things.indexes(),
  /** Reads a document, and writes what it made of it. */
  increment: async ({ things, args, options }) => {
    const found = await things.findOne(args[0] as Document, options);
    if (found === null) return 'none';
    return things.updateOne({ _id: found._id }, { $set: { n: Number(found['n'] ?? 0) + 1 } }, options);
  },
  /** A document with a value that is drawn anew in each run. */
  insertToken: ({ things, args, options, generate }) =>
    things.insertOne({ _id: args[0] as number, a: generate(`token ${String(args[0])}`), b: 0 }, options),
  /** Uses such a value once. */
  useToken: async ({ things, args, options }) => {
    const found = await things.findOne({ _id: args[0] as number, b: 0 }, options);
    if (found === null) return 'none';
    return things.updateOne({ a: found['a'], b: 0 }, { $set: { b: 1 } }, options);
  },
  /** Sends nothing for a while. */
  pause: () => delay(PAUSE_MS, 'paused'),
  /** Inserts without `_id`: the driver makes one. */
  insertWithoutId: async ({ things, args, options }) => {
    await things.insertOne({ ...(args[0] as Document) } as Item, options);
    return 'inserted';
  },
} satisfies Readonly<Record<string, (call: Call) => Promise<unknown>>>;

interface Call {
  readonly things: Collection<Item>;
  readonly args: readonly unknown[];
  readonly options: Document;
  readonly generate: (name: string) => string;
}

export type Method = keyof typeof METHODS;

/** Not allowed in transactions, or of no sense there. */
export const OUTSIDE_TRANSACTIONS: ReadonlySet<Method> = new Set([
  'estimatedDocumentCount',
  'createIndex',
  'listIndexes',
  'distinct',
]);

/** Runs a statement. @returns its result, errors of the server included, as data that are the same in each run */
export async function runStatement(statement: Statement, { db, session, generate }: Place): Promise<unknown> {
  const { shelf, method, args, options = {} } = statement;
  const inSession = session === undefined ? options : { ...options, session };
  return METHODS[method]({ things: shelfOf(db, shelf), args: clone(args), options: inSession, generate });
}

/** The driver adds `_id` to the documents that it inserts. */
const clone = (args: readonly unknown[]): unknown[] => structuredClone(args) as unknown[];

export const describeError = (error: unknown): string => {
  // The driver's own messages name ports.
  if (!(error instanceof MongoServerError)) return error instanceof Error ? error.name : String(error);
  const { code, codeName, keyPattern, keyValue } = error as MongoServerError & Document;
  return `error ${code} ${codeName ?? ''} ${JSON.stringify([keyPattern, keyValue, error['result']])}`;
};

export const describeStatement = ({ shelf, method, args, options }: Statement): string =>
  `${shelf}.${method}(${[...args, ...(options === undefined ? [] : [options])].map((one) => JSON.stringify(one)).join(', ')})`;

/** A value that no other run makes: hex, or text of another alphabet. Its first letter places it before all texts that filters compare with. */
export const generatedText = (): string => `t${randomBytes(9).toString(Math.random() < 0.5 ? 'hex' : 'base64url')}`;

// --- drawing ---

const A = ['x', 'X', 'y', 'z', null] as const;
const B = [0, 1] as const;
const IDS = [1, 2, 3, 4, 5] as const;
const TAGS = [['x'], ['x', 'y'], ['y', 'z'], 'x', []] as const;

const some = (draw: Draw, fields: Document): Document =>
  Object.fromEntries(Object.entries(fields).filter(() => draw([true, true, false])));

const document = (draw: Draw): Item => ({
  _id: draw(IDS),
  ...some(draw, { a: draw(A), b: draw(B), n: draw([0, 1, 5]), tags: draw(TAGS), p: { m: draw(A) } }),
});

export const startDocuments = (draw: Draw): Item[] => {
  const documents = draw([0, 1, 2, 2, 3, 3].map((count) => Array.from({ length: count }, () => document(draw))));
  return documents.map((one, index) => ({ ...one, _id: index + 1 }));
};

const filter = (draw: Draw): Document =>
  draw<() => Document>([
    () => ({ _id: draw(IDS) }),
    () => ({ _id: draw(IDS) }),
    () => ({ _id: draw(IDS), b: draw(B) }),
    () => ({ _id: { $in: [draw(IDS), draw(IDS)] } }),
    () => ({ a: draw(A) }),
    () => ({ a: draw(A), b: draw(B) }),
    () => ({ b: draw(B) }),
    () => ({ b: { $ne: draw(B) } }),
    () => ({ a: { $in: [draw(A), draw(A)] } }),
    () => ({ a: { $exists: draw([true, false]) } }),
    () => ({ a: { $gte: draw(['x', 'y']) } }),
    () => ({ n: { $gt: draw([0, 1]) } }),
    () => ({ tags: draw(['x', 'y', 'z']) }),
    () => ({ tags: { $size: 2 } }),
    () => ({ tags: draw(TAGS) }),
    () => ({ 'p.m': draw(A) }),
    () => ({ p: { m: draw(A) } }),
    () => ({ $or: [{ a: draw(A) }, { b: draw(B) }] }),
    () => ({ $and: [{ a: draw(A) }, { n: 0 }] }),
    () => ({ $expr: { $eq: ['$n', '$b'] } }),
    () => ({ $nor: [{ _id: draw(IDS) }] }),
    () => ({}),
  ])();

const operators = (draw: Draw): Document =>
  draw<() => Document>([
    () => ({ $set: { a: draw(A) } }),
    () => ({ $set: { b: draw(B) } }),
    () => ({ $set: { a: draw(A), b: draw(B) } }),
    () => ({ $set: { tags: draw(TAGS) } }),
    () => ({ $set: { 'p.m': draw(A) } }),
    () => ({ $set: { p: { m: draw(A) } } }),
    () => ({ $unset: { [draw(['a', 'b', 'tags', 'p'])]: '' } }),
    () => ({ $inc: { n: 1 } }),
    () => ({ $inc: { n: 1 } }),
    () => ({ $inc: { b: draw([1, -1]) } }),
    () => ({ $mul: { n: 2 } }),
    () => ({ $min: { n: draw([0, 3]) } }),
    () => ({ $max: { a: draw(A) } }),
    () => ({ $bit: { b: { xor: 1 } } }),
    () => ({ $rename: { a: 'c' } }),
    () => ({ $rename: { c: 'a' } }),
    () => ({ $push: { list: draw(['x', 'y']) } }),
    () => ({ $push: { tags: { $each: [draw(['x', 'y', 'z'])], $slice: -2 } } }),
    () => ({ $addToSet: { tags: draw(['x', 'y']) } }),
    () => ({ $pull: { tags: draw(['x', 'y']) } }),
    () => ({ $pop: { tags: 1 } }),
    () => ({ $set: { n: 7 }, $setOnInsert: { a: draw(A) } }),
    () => ({ $setOnInsert: { a: draw(A), b: draw(B) } }),
  ])();

/** An update and what it demands of the options. */
const update = (draw: Draw): { readonly change: unknown; readonly more?: Document } =>
  draw<() => { change: unknown; more?: Document }>([
    ...Array.from({ length: 8 }, () => () => ({ change: operators(draw) })),
    () => ({ change: { $set: { 'tags.$[]': draw(['x', 'y']) } } }),
    () => ({ change: { $set: { 'tags.$[one]': 'z' } }, more: { arrayFilters: [{ one: draw(['x', 'y']) }] } }),
    () => ({ change: [{ $set: { a: '$b' } }] }),
    () => ({ change: [{ $set: { n: { $add: [{ $ifNull: ['$n', 0] }, 1] } } }, { $unset: 'c' }] }),
    () => ({ change: [{ $replaceWith: { _id: '$_id', a: draw(A) } }] }),
  ])();

const sort = (draw: Draw): Document =>
  draw([
    {},
    {},
    { sort: { _id: 1 } },
    { sort: { _id: -1 } },
    { sort: { b: 1 } },
    { sort: { a: -1 } },
    { sort: { b: 1, _id: 1 } },
  ]);

const collation = (draw: Draw): Document => draw([{}, {}, {}, {}, { collation: { locale: 'en', strength: 2 } }]);
const upsert = (draw: Draw): Document => draw([{}, {}, { upsert: true }]);

const pipeline = (draw: Draw, other: string): Document[] =>
  draw<() => Document[]>([
    () => [{ $match: filter(draw) }],
    () => [{ $match: filter(draw) }, { $sort: { _id: 1 } }],
    () => [{ $sort: { b: 1 } }, { $limit: 1 }],
    () => [{ $group: { _id: '$b', count: { $sum: 1 } } }, { $sort: { _id: 1 } }],
    () => [{ $group: { _id: null, total: { $sum: '$n' }, first: { $first: '$a' } } }],
    () => [{ $match: filter(draw) }, { $count: 'count' }],
    () => [
      { $match: filter(draw) },
      { $lookup: { from: other, localField: 'b', foreignField: 'b', as: 'joined' } },
      { $sort: { _id: 1 } },
    ],
    () => [{ $lookup: { from: other, pipeline: [{ $match: { b: draw(B) } }], as: 'joined' } }],
    () => [{ $unionWith: { coll: other, pipeline: [{ $match: filter(draw) }] } }, { $project: { a: 1 } }],
    () => [{ $facet: { ones: [{ $match: { b: 1 } }], others: [{ $count: 'count' }] } }],
    () => [
      { $graphLookup: { from: other, startWith: '$b', connectFromField: 'n', connectToField: 'b', as: 'graph' } },
      // The server finds them in no order that stays the same from run to run.
      { $project: { graph: { $size: '$graph' } } },
    ],
    () => [{ $project: { a: 1 } }, { $skip: 1 }],
  ])();

/** What the statements of a flow are about: everything, or what meets more often in few commands. */
export type Focus = 'all' | 'keys' | 'order' | 'cursors' | 'tokens';

/** @param others shelves that pipelines may look into */
export function drawStatement(draw: Draw, shelf: string, others: readonly string[], focus: Focus): Statement {
  switch (focus) {
    case 'all':
      return drawAny(draw, shelf, others);
    case 'keys':
      return drawKeyed(draw, shelf);
    case 'order':
      return drawOrder(draw, shelf);
    case 'cursors':
      return drawCursor(draw, shelf, others);
    case 'tokens':
      return draw<() => Statement>([
        () => ({ shelf, method: 'insertToken', args: [4] }),
        () => ({ shelf, method: 'useToken', args: [4] }),
        () => ({ shelf, method: 'useToken', args: [4] }),
      ])();
  }
}

/** Writes that bring documents into a unique index or take them out of it, and reads by its fields. */
function drawKeyed(draw: Draw, shelf: string): Statement {
  const a = (): unknown => draw(['x', 'X', 'x', 'y']);
  const id = (): number => draw([1, 2, 3]);
  return draw<() => Statement>([
    () => ({
      shelf,
      method: 'insertOne',
      args: [{ _id: draw([4, 5, 6]), a: a(), b: draw(B), tags: [a()], p: { m: a() } }],
    }),
    () => ({ shelf, method: 'updateOne', args: [{ _id: id() }, { $set: { a: a() } }] }),
    () => ({ shelf, method: 'updateOne', args: [{ _id: id() }, { $set: { b: draw(B) } }] }),
    () => ({ shelf, method: 'updateOne', args: [{ _id: id() }, { $set: { tags: [a(), 'z'] } }] }),
    () => ({ shelf, method: 'updateOne', args: [{ _id: id() }, { $set: { 'p.m': a() } }] }),
    () => ({ shelf, method: 'updateOne', args: [{ a: a() }, { $set: { n: 1 } }], options: { upsert: true } }),
    () => ({ shelf, method: 'deleteOne', args: [{ a: a() }] }),
    () => ({ shelf, method: 'find', args: [{ a: a() }], options: { sort: { _id: 1 } } }),
  ])();
}

/** Inserts that meet no other, and reads that don't say which document comes first. */
const drawOrder = (draw: Draw, shelf: string): Statement =>
  draw<() => Statement>([
    () => ({ shelf, method: 'insertOne', args: [{ _id: draw([4, 5, 6, 7, 8, 9]), b: 0, n: 1 }] }),
    () => ({ shelf, method: 'insertOne', args: [{ _id: draw([4, 5, 6, 7, 8, 9]), b: 0, n: 1 }] }),
    () => ({ shelf, method: 'find', args: [{ b: 0 }], options: sort(draw) }),
    () => ({ shelf, method: 'findOneAndDelete', args: [{ n: { $gte: 1 } }], options: sort(draw) }),
  ])();

/** Cursors of several batches, and writes between them. */
function drawCursor(draw: Draw, shelf: string, others: readonly string[]): Statement {
  const from = draw(others);
  const lookup = { $lookup: { from, localField: 'b', foreignField: 'b', as: 'joined' } };
  const pipelines: Document[][] = [[lookup], [{ $sort: { _id: 1 } }, lookup], [{ $unionWith: from }]];
  const options = { batchSize: 1 };
  return draw<() => Statement>([
    () => ({ shelf, method: 'aggregate', args: [draw(pipelines)], options }),
    () => ({ shelf, method: 'find', args: [{}], options: { ...options, ...sort(draw) } }),
    () => ({ shelf: from, method: 'updateOne', args: [{ _id: draw(IDS) }, { $set: { b: draw(B) } }] }),
    () => ({ shelf: from, method: 'insertOne', args: [{ _id: draw([4, 5]), b: draw(B) }] }),
    () => ({ shelf: from, method: 'deleteOne', args: [{ _id: draw(IDS) }] }),
  ])();
}

function drawAny(draw: Draw, shelf: string, others: readonly string[]): Statement {
  const find = (): Statement => {
    const options = {
      ...sort(draw),
      ...collation(draw),
      ...draw([{}, {}, { limit: 1 }, { skip: 1 }, { batchSize: 1 }]),
    };
    return { shelf, method: 'find', args: [filter(draw)], options };
  };
  const change = (method: 'updateOne' | 'updateMany' | 'findOneAndUpdate', more: Document): Statement => {
    const { change: u, more: demanded } = update(draw);
    return { shelf, method, args: [filter(draw), u], options: { ...more, ...demanded, ...collation(draw) } };
  };
  const replacement = (): Document => {
    const { _id, ...fields } = document(draw);
    return fields;
  };
  return draw<() => Statement>([
    () => ({ shelf, method: 'insertOne', args: [document(draw)] }),
    () => ({ shelf, method: 'insertOne', args: [document(draw)] }),
    () => ({ shelf, method: 'insertWithoutId', args: [some(draw, { a: draw(A), b: draw(B) })] }),
    () => ({
      shelf,
      method: 'insertMany',
      args: [[document(draw), document(draw)]],
      options: { ordered: draw([true, false]) },
    }),
    () => ({ shelf, method: 'insertToken', args: [draw(IDS)] }),
    () => ({ shelf, method: 'useToken', args: [draw(IDS)] }),
    () => change('updateOne', upsert(draw)),
    () => change('updateOne', {}),
    () => change('updateMany', upsert(draw)),
    () => ({ shelf, method: 'replaceOne', args: [filter(draw), replacement()], options: upsert(draw) }),
    () => change('findOneAndUpdate', { ...sort(draw), ...upsert(draw), ...draw([{}, { returnDocument: 'after' }]) }),
    () => change('findOneAndUpdate', { ...sort(draw), projection: draw([{ a: 1 }, { b: 0 }, { a: '$n' }]) }),
    () => ({
      shelf,
      method: 'findOneAndReplace',
      args: [filter(draw), replacement()],
      options: { ...sort(draw), ...upsert(draw) },
    }),
    () => ({ shelf, method: 'findOneAndDelete', args: [filter(draw)], options: sort(draw) }),
    () => ({ shelf, method: 'deleteOne', args: [filter(draw)], options: collation(draw) }),
    () => ({ shelf, method: 'deleteMany', args: [filter(draw)] }),
    find,
    find,
    find,
    () => ({ shelf, method: 'findOne', args: [filter(draw)], options: sort(draw) }),
    () => ({ shelf, method: 'aggregate', args: [pipeline(draw, draw(others))], options: draw([{}, { batchSize: 1 }]) }),
    () => ({ shelf, method: 'aggregate', args: [pipeline(draw, draw(others))] }),
    () => ({ shelf, method: 'countDocuments', args: [filter(draw)], options: draw([{}, { limit: 1 }]) }),
    () => ({ shelf, method: 'estimatedDocumentCount', args: [] }),
    () => ({ shelf, method: 'distinct', args: [draw(['a', 'tags']), filter(draw)] }),
    () => ({ shelf, method: 'increment', args: [filter(draw)] }),
    () => ({
      shelf,
      method: 'bulkWrite',
      args: [
        [
          { updateOne: { filter: filter(draw), update: operators(draw) } },
          { insertOne: { document: document(draw) } },
          { deleteOne: { filter: filter(draw) } },
        ],
      ],
      options: { ordered: draw([true, false]) },
    }),
    () => ({ shelf, method: draw(['createIndex', 'listIndexes'] as const), args: [] }),
  ])();
}
