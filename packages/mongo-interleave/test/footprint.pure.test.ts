import { ObjectId } from 'mongodb';
import { describe, expect, test } from 'vitest';
import { dependent, type Footprint } from '../src/footprint/footprint.ts';
import type { Namespace, UniqueKey } from '../src/footprint/namespace.ts';
import { RunSchema } from '../src/footprint/schema-reader.ts';
import { Transactions } from '../src/footprint/transactions.ts';
import type { Fields } from '../src/gate/message.ts';

const plain: Namespace = {
  kind: 'collection',
  unique: [],
  folds: false,
  hasValidator: false,
  arrays: new Set(),
  indexes: [],
};
const unique = (field: string, more: Partial<UniqueKey> = {}): Namespace => ({
  ...plain,
  unique: [{ fields: [field], decisive: [field], within: new Map(), isTotal: true, folds: false, ...more }],
});
const namespaces: Readonly<Record<string, Namespace>> = {
  c: { ...plain, arrays: new Set(['tags']), indexes: [{ v: 2, key: { f: 1 }, name: 'f_1' }] },
  d: plain,
  users: unique('email'),
  people: unique('profile.mail'),
  folded: { ...unique('email'), folds: true },
  collated: unique('email', { folds: true }),
  active: unique('user', { decisive: ['user', 'active'], within: new Map([['active', new Set(['boolean true'])]]) }),
  view: { ...plain, kind: 'special' },
  missing: { ...plain, kind: 'missing' },
};
/** The schema of one run. */
const openSchema = (): RunSchema =>
  new RunSchema(new Map(Object.entries(namespaces).map(([name, namespace]) => [`test.${name}`, namespace])), () =>
    Promise.reject(new Error('nothing to read')),
  );

/** What a command outside transactions touched, had it been answered so. */
function touched([body, reply]: readonly [Fields, Fields]): Footprint {
  const name = Object.keys(body)[0] ?? '';
  return new Transactions(openSchema()).record(
    { client: 0, index: 0, name, body: { ...body, $db: 'test' } },
    { ok: 1, ...reply },
  );
}

const find = (filter: Fields): [Fields, Fields] => [{ find: 'c', filter }, {}];
const insert = (document: Fields, collection = 'c'): [Fields, Fields] => [
  { insert: collection, documents: [document] },
  { n: 1 },
];
const remove = (q: Fields, n = 1): [Fields, Fields] => [{ delete: 'c', deletes: [{ q, limit: 0 }] }, { n }];
const update = (q: Fields, u: unknown, more: Fields = {}): [Fields, Fields] => [
  { update: 'c', updates: [{ q, u, ...more }] },
  { n: 1, nModified: 1 },
];
const claim = (value: Fields | null): [Fields, Fields] => [
  { findAndModify: 'c', query: { isUsed: false }, update: { $set: { isUsed: true } } },
  { value },
];

const id = new ObjectId();

describe('the order matters', () => {
  test.each<[string, [Fields, Fields], [Fields, Fields]]>([
    ['a find and the delete of what it finds', find({ _id: 1 }), remove({ _id: 1 })],
    ['a find by a field and an insert with that value', find({ f: 'x' }), insert({ _id: 1, f: 'x' })],
    ['a find of null and an insert without the field', find({ f: null }), insert({ _id: 1 })],
    ['a find and an insert of an array, which may hold the value', find({ f: 'x' }), insert({ _id: 1, f: ['x'] })],
    ['a find by an operator and any insert', find({ f: { $gt: 5 } }), insert({ _id: 1, f: 1 })],
    ['a find by $in and one of the values', find({ f: { $in: ['x', 'y'] } }), insert({ _id: 1, f: 'y' })],
    [
      'a find with a collation',
      [{ find: 'c', filter: { f: 'X' }, collation: { locale: 'en' } }, {}],
      insert({ _id: 1, f: 'x' }),
    ],
    ['a find of ObjectIds', find({ _id: id }), remove({ _id: new ObjectId(id.toHexString()) })],
    ['two claims', claim({ _id: 1, isUsed: false }), claim({ _id: 1, isUsed: false })],
    ['two claims of different documents', claim({ _id: 1, isUsed: false }), claim({ _id: 2, isUsed: false })],
    ['a find of what an update sets', find({ f: 'x' }), update({ _id: 1 }, { $set: { f: 'x' } })],
    ['a find of what an update had found', find({ f: 'x' }), update({ f: 'x' }, { $set: { f: 'y' } })],
    ['a find by what an update changes somehow', find({ f: 5 }), update({ f: 4 }, { $inc: { f: 1 } })],
    ['a find by a parent of what is set', find({ f: 5 }), update({ _id: 1, f: 6 }, { $set: { 'f.g': 1 } })],
    ['a find by what a pipeline may set', find({ f: 5 }), update({ _id: 1, f: 6 }, [{ $set: { f: 5 } }])],
    ['a find and a replacement', find({ f: 5 }), update({ _id: 1 }, { f: 5 })],
    ['inserts of one unique value', insert({ _id: 1, email: 'e' }, 'users'), insert({ _id: 2, email: 'e' }, 'users')],
    [
      'a unique value set inside, and an insert of it',
      [{ update: 'people', updates: [{ q: { _id: 1 }, u: { $set: { 'profile.mail': 'e' } } }] }, { nModified: 1 }],
      insert({ _id: 2, profile: { mail: 'e' } }, 'people'),
    ],
    ['a find and a delete by two values of one array', find({ tags: 's' }), remove({ tags: 't' })],
    [
      'a find of a document, and an update of several that failed on its way',
      [
        { update: 'c', updates: [{ q: {}, u: { $set: { f: 'x' } }, multi: true }] },
        { nModified: 0, writeErrors: [{}] },
      ],
      find({ f: 'x' }),
    ],
    [
      'a find, and an upsert that found the document and set nothing on insert',
      update({ f: 'y', g: 1 }, { $set: { g: 2 }, $setOnInsert: { f: 'x' } }, { upsert: true }),
      find({ f: 'y', g: 2 }),
    ],
    [
      'a find, and a claim that shows its document with a value of its own',
      [{ ...claim(null)[0], fields: { f: 'shown' } }, { value: { _id: 1, f: 'shown' } }],
      find({ f: 'real' }),
    ],
    ['inserts of one _id', insert({ _id: 1 }), insert({ _id: 1 })],
    ['an upsert and an insert', update({ _id: 1 }, { $set: { f: 1 } }, { upsert: true }), insert({ _id: 1 })],
    ['a command that is not known, and any other', [{ collMod: 'c' }, {}], find({ _id: 1 })],
    [
      'a command with a field that is not known',
      [{ find: 'c', filter: { _id: 1 }, showRecordId: true }, {}],
      insert({ _id: 2 }),
    ],
    [
      'a statement with a field that is not known',
      update({ _id: 1 }, { $set: { f: 1 } }, { new: 1 }),
      find({ _id: 2 }),
    ],
    [
      'a new index, and any other command',
      [{ createIndexes: 'c', indexes: [{ key: { g: 1 }, name: 'g_1' }] }, {}],
      find({ _id: 1 }),
    ],
    ['the first insert of a collection', insert({ _id: 1 }, 'missing'), find({ _id: 1 })],
    [
      'a read of a snapshot session, which sees the data of its first read, and a write elsewhere',
      [{ find: 'c', filter: { _id: 1 }, readConcern: { level: 'snapshot' } }, {}],
      insert({ _id: 2 }),
    ],
    ['a find in a view', [{ find: 'view', filter: { _id: 1 } }, {}], insert({ _id: 2 })],
    [
      'inserts that a collated index takes for equal',
      insert({ _id: 1, email: 'Bob' }, 'collated'),
      insert({ _id: 2, email: 'bob' }, 'collated'),
    ],
    ['inserts that a collection takes for equal', insert({ _id: 'Bob' }, 'folded'), insert({ _id: 'bob' }, 'folded')],
    [
      'updates that bring two documents into a partial index',
      [{ update: 'active', updates: [{ q: { _id: 1 }, u: { $set: { active: true } } }] }, { nModified: 1 }],
      [{ update: 'active', updates: [{ q: { _id: 2 }, u: { $set: { active: true } } }] }, { nModified: 1 }],
    ],
    [
      'two updates that add different amounts',
      update({ _id: 1 }, { $inc: { f: 1 } }),
      update({ _id: 1 }, { $inc: { f: 0.1 } }),
    ],
    [
      'two equal updates, and the filter sees what they change',
      update({ f: 1 }, { $inc: { f: 1 } }),
      update({ f: 1 }, { $inc: { f: 1 } }),
    ],
    ['two equal updates that set', update({ _id: 1 }, { $set: { f: 1 } }), update({ _id: 1 }, { $set: { f: 1 } })],
    [
      'a lookup and an insert into the collection that it looks into',
      [{ aggregate: 'c', pipeline: [{ $match: { _id: 1 } }, { $lookup: { from: 'd', as: 'd' } }] }, {}],
      insert({ _id: 5 }, 'd'),
    ],
    ['an aggregate that looks elsewhere', [{ aggregate: 'c', pipeline: [{ $lookup: {} }] }, {}], find({ _id: 1 })],
  ])('%s', (_what, one, other) => {
    expect(dependent(touched(one), touched(other))).toBe(true);
    expect(dependent(touched(other), touched(one))).toBe(true);
  });
});

describe('the order does not matter', () => {
  test.each<[string, [Fields, Fields], [Fields, Fields]]>([
    ['two finds', find({}), find({})],
    ['two equal increments', update({ _id: 1 }, { $inc: { f: 1 } }), update({ _id: 1 }, { $inc: { f: 1 } })],
    [
      'an index that is there, and any other command',
      [{ createIndexes: 'c', indexes: [{ key: { f: 1 }, name: 'f_1' }] }, {}],
      insert({ _id: 1 }),
    ],
    [
      'a lookup and an insert into a third collection',
      [{ aggregate: 'c', pipeline: [{ $lookup: { from: 'd', as: 'd' } }] }, {}],
      insert({ _id: 5, email: 'e' }, 'users'),
    ],
    [
      'a collated index, and numbers',
      insert({ _id: 1, email: 1 }, 'collated'),
      insert({ _id: 2, email: 2 }, 'collated'),
    ],
    [
      'an update into a partial index, and an update outside it',
      [{ update: 'active', updates: [{ q: { _id: 1 }, u: { $set: { active: true } } }] }, { nModified: 1 }],
      [{ update: 'active', updates: [{ q: { _id: 2, active: false }, u: { $set: { f: 1 } } }] }, { nModified: 1 }],
    ],
    ['a find and the delete of another', find({ _id: 1 }), remove({ _id: 2 })],
    ['a find and a delete that found nothing', find({ _id: 1 }), remove({ _id: 1 }, 0)],
    ['two claims of nothing', claim(null), claim(null)],
    ['a find and an insert with another value', find({ f: 'x' }), insert({ _id: 1, f: 'y' })],
    ['a find of a value and an insert without the field', find({ f: 'x' }), insert({ _id: 1 })],
    ['the same in another collection', find({ _id: 1 }), insert({ _id: 1 }, 'd')],
    ['a find of a number and of its text', find({ f: 1 }), insert({ _id: 1, f: '1' })],
    ['an update and a find of another', update({ _id: 1 }, { $set: { f: 'x' } }), find({ _id: 2, f: 'x' })],
    [
      'inserts of different unique values',
      insert({ _id: 1, email: 'e' }, 'users'),
      insert({ _id: 2, email: 'f' }, 'users'),
    ],
    [
      'an aggregate and another document',
      [{ aggregate: 'c', pipeline: [{ $match: { _id: 1 } }] }, {}],
      remove({ _id: 2 }),
    ],
    [
      'an update that changed nothing',
      [update({ _id: 1 }, { $set: { f: 1 } })[0], { n: 1, nModified: 0 }],
      find({ _id: 1 }),
    ],
  ])('%s', (_what, one, other) => {
    expect(dependent(touched(one), touched(other))).toBe(false);
    expect(dependent(touched(other), touched(one))).toBe(false);
  });
});

describe('transactions', () => {
  const statement = (client: number, body: Fields, start = false) => ({
    client,
    index: 0,
    name: Object.keys(body)[0] ?? '',
    body: {
      ...body,
      $db: 'test',
      lsid: { id: client },
      autocommit: false,
      ...(start ? { startTransaction: true } : {}),
    },
  });
  const removeOne = { delete: 'c', deletes: [{ q: { _id: 1 }, limit: 1 }] };
  const commit = { commitTransaction: 1 };

  test("a commit meets another one's first statement, and nothing that looks for other documents", () => {
    const transactions = new Transactions(openSchema());
    transactions.record(statement(0, removeOne, true), { ok: 1, n: 1 });
    const committed = transactions.record(statement(0, commit), { ok: 1 });
    const other = new Transactions(openSchema());
    const started = other.record(statement(1, { find: 'd', filter: {} }, true), { ok: 1 });
    const second = other.record(statement(1, { find: 'd', filter: {} }), { ok: 1 });
    expect(dependent(committed, started)).toBe(true);
    expect(dependent(committed, second)).toBe(false);
    expect(dependent(committed, touched(find({ _id: 1 })))).toBe(true);
    expect(dependent(committed, touched(find({ _id: 2 })))).toBe(false);
  });

  test('after a write conflict a client begins again when the other one has ended', () => {
    const transactions = new Transactions(openSchema());
    transactions.record(statement(0, removeOne, true), { ok: 1, n: 1 });
    transactions.record(statement(1, removeOne, true), { ok: 0, code: 112 });
    expect(transactions.openSessions).toEqual([{ id: 0 }]);
    expect(transactions.isEnabled(statement(1, removeOne, true))).toBe(false);
    transactions.record(statement(0, commit), { ok: 1 });
    expect(transactions.isEnabled(statement(1, removeOne, true))).toBe(true);
  });

  test('equal increments conflict, and an increment outside waits', () => {
    const [increment] = update({ _id: 1 }, { $inc: { f: 1 } });
    const transactions = new Transactions(openSchema());
    const reply = { ok: 1, n: 1, nModified: 1 };
    const first = transactions.record(statement(0, increment, true), reply);
    const outside = { client: 1, index: 0, name: 'update', body: { ...increment, $db: 'test' } };
    expect(transactions.isEnabled(outside)).toBe(false);
    expect(dependent(first, new Transactions(openSchema()).record(statement(1, increment, true), reply))).toBe(true);
  });

  test('a write outside waits for the transaction that wrote the document', () => {
    const transactions = new Transactions(openSchema());
    transactions.record(statement(0, removeOne, true), { ok: 1, n: 1 });
    const outside = (body: Fields) => ({
      client: 1,
      index: 0,
      name: Object.keys(body)[0] ?? '',
      body: { ...body, $db: 'test' },
    });
    expect(transactions.isEnabled(outside(removeOne))).toBe(false);
    expect(transactions.isEnabled(outside({ insert: 'c', documents: [{ _id: 1 }] }))).toBe(false);
    expect(transactions.isEnabled(outside({ insert: 'c', documents: [{ _id: 2 }] }))).toBe(true);
    expect(transactions.isEnabled(outside({ find: 'c', filter: { _id: 1 } }))).toBe(true);
    transactions.record(statement(0, { abortTransaction: 1 }), { ok: 1 });
    expect(transactions.isEnabled(outside(removeOne))).toBe(true);
  });
});
