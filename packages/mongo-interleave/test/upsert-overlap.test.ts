import { BSON, MongoClient, type CreateIndexesOptions, type Db, type Document, type IndexSpecification } from 'mongodb';
import { createTestDatabaseName, exploringSet } from 'test-kit';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { openGate, type Gate } from '../src/gate/index.ts';
import { Upserts } from '../src/run/upserts.ts';

/*
 * What the gate makes of an upsert's two steps is what the server does when another client inserts between them. The server's own fail
 * point stops a real upsert there, the same insert is made, and reply and documents are compared: text, field order and types.
 */

/** 1: each combination, which takes half an hour. Larger: every so many. A prime, so that all places in the lists come up. */
const STRIDE = Number(process.env['INTERLEAVE_OVERLAP_STRIDE'] ?? 101);
/** Upserts that the server stops at the same time. */
const AT_ONCE = 8;
const FAIL_POINT = 'hangBeforeUpsertPerformsInsert';
const set = exploringSet();
const database = createTestDatabaseName('overlap');
const control = new MongoClient(set.uri);
const raw = new MongoClient(set.uri, { retryWrites: false });
const db = control.db(database);
let gate: Gate;
let gated: MongoClient;
beforeAll(async () => {
  gate = await openGate({ server: { host: '127.0.0.1', port: set.port }, clients: 1 });
  gated = new MongoClient(gate.uri(0));
  await gated.connect();
});
afterEach(() => setFailPoint('off'));
afterAll(async () => {
  await gated.close();
  await gate.close();
  await raw.close();
  await control.close();
});

const INSENSITIVE = { locale: 'en', strength: 2 };
const INDEXES: readonly (readonly [string, IndexSpecification | undefined, CreateIndexesOptions])[] = [
  ['no index', undefined, {}],
  ['unique on a', { a: 1 }, {}],
  ['unique on b', { b: 1 }, {}],
  ['unique on a and b', { a: 1, b: -1 }, {}],
  ['unique on a, where active', { a: 1 }, { partialFilterExpression: { active: true } }],
  ['unique on a, sparse', { a: 1 }, { sparse: true }],
  ['unique on a, without case', { a: 1 }, { collation: INSENSITIVE }],
  ['unique on a.b', { 'a.b': 1 }, {}],
];

const FILTERS: readonly Document[] = [
  { a: 'x' },
  { a: { $eq: 'x' } },
  { a: { $in: ['x'] } },
  { a: { $in: ['x', 'y'] } },
  { a: { $all: ['x'] } },
  { $and: [{ a: 'x' }] },
  { $or: [{ a: 'x' }] },
  { $or: [{ a: 'x' }, { b: 1 }] },
  { a: 'x', b: 1 },
  { b: 1, a: 'x' },
  { $and: [{ a: 'x' }, { $and: [{ b: 1 }] }] },
  { a: 'x', b: { $gt: 5 } },
  { a: 'x', active: { $ne: false } },
  { a: 'x', active: true },
  { b: 1 },
  { b: 1.5 },
  { b: BSON.Long.fromNumber(1) },
  { b: BSON.Decimal128.fromString('1.0') },
  { a: null },
  { a: ['x', 'y'] },
  { a: { b: 'x' } },
  { 'a.b': 'x' },
  { _id: 'x' },
  { _id: 'x', a: 'x' },
  { _id: { $in: ['x'] } },
  { '_id.p': 'x' },
  { a: /^x/ },
  { a: { $not: { $gt: 'x' } }, b: 1 },
  { a: { $elemMatch: { b: 'x' } } },
  { $expr: { $eq: ['$a', 'x'] } },
  { $where: 'this.a === "x"' },
  { a: 'x', $comment: 'why' },
  {},
];

const UPDATES: readonly (Document | readonly Document[])[] = [
  { $inc: { n: 1 } },
  { $set: { a: 'x', b: 1, active: true } },
  { $setOnInsert: { b: 1, active: true }, $set: { n: BSON.Long.fromNumber(7) } },
  { $set: { a: 'y' } },
  { $push: { tags: 'new' }, $unset: { gone: 1 } },
  { a: 'x', b: 1, n: 1, active: true },
  { n: 2 },
  [{ $set: { n: { $add: [{ $ifNull: ['$n', 0] }, 1] }, active: true } }],
];

/** What another client inserts in between. */
const RIVALS: readonly Document[] = [
  { _id: 'rival', a: 'x', b: 1, active: true },
  { _id: 'x', a: 'X', b: 2, active: true },
  { _id: 'rival', a: ['x', 'z'], b: 1 },
  { _id: 'rival', a: ['x', 'y'], active: true },
  { _id: 'rival', a: { b: 'x' }, active: true },
];

const upsert = true;
const WAYS: readonly ((q: Document, u: unknown) => Document)[] = [
  (q, u) => ({ updates: [{ q, u, upsert }] }),
  (q, u) => ({ updates: [{ q, u, upsert, collation: INSENSITIVE }] }),
  (q, u) => ({ updates: [{ q, u, upsert, multi: isOperators(u) }] }),
  (query, update) => ({ query, update, upsert }),
  (query, update) => ({ query, update, upsert, new: true, fields: { n: 0 } }),
  (query, update) => ({ query, update, upsert, sort: { n: -1 }, collation: INSENSITIVE }),
];
const isOperators = (update: unknown): boolean =>
  Array.isArray(update) || Object.keys(update as Document).some((name) => name.startsWith('$'));

const commandOf = (collection: string, rest: Document): Document =>
  'updates' in rest ? { update: collection, ...rest } : { findAndModify: collection, ...rest };

async function setFailPoint(mode: 'off' | 'alwaysOn'): Promise<void> {
  await control.db('admin').command({ configureFailPoint: FAIL_POINT, mode });
}

interface Case {
  readonly command: Document;
  readonly collection: string;
  readonly rival: Document;
}

interface Overlap {
  /** The command failed before it looked. */
  readonly isRefused: boolean;
  readonly reply: string;
  readonly documents: string;
}

/** The upserts themselves, stopped by the server before their inserts. Each has a collection of its own. */
async function reallyOverlap(cases: readonly Case[]): Promise<Overlap[]> {
  await setFailPoint('alwaysOn');
  const refused = new Set<Case>();
  let isOff = false;
  const ended = cases.map(async (one) => {
    const reply = await replyOf(raw.db(database), one.command);
    if (!isOff) refused.add(one);
    return reply;
  });
  while ((await countStopped()) + refused.size < cases.length);
  for (const one of cases) if (!refused.has(one)) await insert(one);
  isOff = true;
  await setFailPoint('off');
  return Promise.all(
    cases.map(async (one, index) => ({
      isRefused: refused.has(one),
      reply: (await ended[index]) ?? '',
      documents: await documentsOf(one.collection),
    })),
  );
}

/** How many upserts the server holds at the fail point. */
async function countStopped(): Promise<number> {
  const stopped = control.db('admin').aggregate([{ $currentOp: {} }, { $match: { failpointMsg: FAIL_POINT } }]);
  return (await stopped.toArray()).length;
}

const insert = ({ collection, rival }: Case): Promise<unknown> => db.collection(collection).insertOne({ ...rival });

/** The same by the gate. */
async function overlapAtGate(one: Case): Promise<Overlap> {
  const upserts = new Upserts(control);
  const ended = gate.enter(0, () => replyOf(gated.db(database), one.command));
  const [held] = await gate.quiet();
  if (held === undefined) throw new Error('nothing is held');
  if (await upserts.findsNone(held)) {
    upserts.looked(held);
    await insert(one);
  }
  const reply = await upserts.release(gate, held);
  reply.deliver();
  return { isRefused: false, reply: await ended, documents: await documentsOf(one.collection) };
}

const VOLATILE = new Set(['$clusterTime', 'operationTime', 'electionId', 'opTime']);

async function replyOf(of: Db, command: Document): Promise<string> {
  const exact = { promoteValues: false, bsonRegExp: true };
  const reply = await of.command(command, exact).catch((error: { errorResponse?: Document }) => {
    if (error.errorResponse === undefined) throw error;
    return error.errorResponse;
  });
  return textOf(Object.fromEntries(Object.entries(reply).filter(([name]) => !VOLATILE.has(name))));
}

async function documentsOf(collection: string): Promise<string> {
  const documents = await db
    .collection(collection)
    .find({}, { promoteValues: false, sort: { $natural: 1 } })
    .toArray();
  return documents.map(textOf).join('\n');
}

const textOf = (document: Document): string =>
  BSON.EJSON.stringify(document, { relaxed: false }).replaceAll(/"\$oid":"[0-9a-f]{24}"/g, 'generated');

/** Cases that decide parts of the rule which a sample may miss, as places in the lists above. */
const DECIDING: readonly (readonly [Document, Document, number, number])[] = [
  // The duplicate is one element of the array that the filter demands.
  [{ a: ['x', 'y'] }, { $inc: { n: 1 } }, 0, 3],
  // The filter finds the duplicate by its own collation, but the index tells another key.
  [{ a: 'x' }, { $inc: { n: 1 } }, 1, 1],
  [{ a: 'x' }, { $set: { a: 'y' } }, 0, 3],
];

function* casesOf(collections: readonly string[]): Generator<Case> {
  let number = 0;
  const caseOf = (filter: Document, update: unknown, way: number, rival: number): Case => {
    const collection = collections[number++ % collections.length] ?? '';
    const command = commandOf(collection, WAYS[way]?.(filter, update) ?? {});
    return { command, collection, rival: RIVALS[rival] ?? {} };
  };
  for (const one of DECIDING) yield caseOf(...one);
  let combination = 0;
  for (const filter of FILTERS)
    for (const update of UPDATES)
      for (const way of WAYS.keys())
        for (const rival of RIVALS.keys()) if (combination++ % STRIDE === 0) yield caseOf(filter, update, way, rival);
}

test.each(INDEXES)('%s', { timeout: 1_200_000 }, async (name, key, options) => {
  const collections = Array.from({ length: AT_ONCE }, (_, slot) => `${name.replaceAll(/\W+/g, '_')}_${slot}`);
  for (const collection of collections) {
    await db.createCollection(collection);
    if (key !== undefined) await db.collection(collection).createIndex(key, { unique: true, ...options });
  }
  const empty = async (): Promise<void> => {
    for (const collection of collections) await db.collection(collection).deleteMany({});
  };
  const cases = [...casesOf(collections)];
  const different: unknown[] = [];
  let overlaps = 0;
  for (let at = 0; at < cases.length; at += AT_ONCE) {
    const some = cases.slice(at, at + AT_ONCE);
    await empty();
    const allReal = await reallyOverlap(some);
    await empty();
    for (const [index, one] of some.entries()) {
      const real = allReal[index];
      const atGate = await overlapAtGate(one);
      if (real === undefined) throw new Error('a case is missing');
      if (!real.isRefused) overlaps++;
      const isSame = real.reply === atGate.reply && (real.isRefused || real.documents === atGate.documents);
      if (!isSame) different.push({ command: textOf(one.command), rival: textOf(one.rival), real, atGate });
    }
  }
  expect(different.slice(0, 3)).toEqual([]);
  // Some commands are refused before they look.
  expect(overlaps).toBeGreaterThan(cases.length / 2);
});
