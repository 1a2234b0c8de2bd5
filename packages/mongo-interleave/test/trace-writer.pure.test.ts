import * as fc from 'fast-check';
import { Binary, Decimal128, Long, ObjectId, UUID } from 'mongodb';
import { describe, expect, test } from 'vitest';
import type { Outcome } from '../src/index.ts';
import type { ExecutedStep } from '../src/run/execution.ts';
import { formatStep } from '../src/run/format-run.ts';
import type { Fields } from '../src/gate/message.ts';
import { TraceWriter, type TraceOptions } from '../src/run/trace-writer.ts';

/* No database here: what a trace says of each command, and what it must not say. Commands and replies are those of drivers and servers. */

const SHOWN = ['count', 'state', 'profile.mail', 'items.sku', 'items', 'likes'];
const OK = { ok: 1 };

/** The line of a command, without its number and its client. */
function line(body: Fields, reply: Fields = OK, options: TraceOptions = { showFields: SHOWN }): string {
  const [name = ''] = Object.keys(body);
  const step = new TraceWriter(options).step({ client: 0, index: 0, name, body }, reply);
  return formatStep(step, 0).slice('1 A '.length);
}

const found = (...documents: readonly Fields[]): Fields => ({
  ...OK,
  cursor: { id: 0, ns: 'd.c', firstBatch: documents },
});
const updateOf = (u: unknown, more: Fields = {}): Fields => ({
  update: 'c',
  updates: [{ q: { _id: 'p' }, u, ...more }],
});

describe('a command says what it looks for and what it does', () => {
  test.each<[string, Fields, string]>([
    ['one field by name', updateOf({ $addToSet: { secret: 'x' } }), 'update c { _id: "p" } $addToSet secret -> ok'],
    ['one field by value', updateOf({ $set: { count: 2 } }), 'update c { _id: "p" } $set { count: 2 } -> ok'],
    ['some by value', updateOf({ $set: { count: 2, at: 3 } }), 'update c { _id: "p" } $set { count: 2, at } -> ok'],
    [
      'several operators',
      updateOf({ $inc: { count: 1 }, $pull: { secrets: 'x' }, $unset: { count: '' }, $rename: { a: 'b' } }),
      'update c { _id: "p" } $inc { count: 1 } $pull secrets $unset count $rename { a: b } -> ok',
    ],
    ['an upsert', updateOf({ $inc: { n: 1 } }, { upsert: true }), 'update c { _id: "p" } $inc n upsert -> ok'],
    ['a replacement', updateOf({ count: 1, token: 't' }), 'update c { _id: "p" } replace { count: 1, token } -> ok'],
    ['an empty replacement', updateOf({}), 'update c { _id: "p" } replace {} -> ok'],
    [
      'a pipeline as update',
      updateOf([{ $set: { count: { $add: ['$count', 1] }, x: '$$NOW' } }, { $unset: ['a', 'b'] }]),
      'update c { _id: "p" } $set { count: $add ["$count", 1], x }, $unset a, b -> ok',
    ],
    [
      'values in arrays',
      updateOf({ $push: { likes: { $each: ['A', 'B'], $slice: -5 } }, $addToSet: { secrets: { $each: ['s'] } } }),
      'update c { _id: "p" } $push { likes: $each ["A", "B"] $slice -5 } $addToSet { secrets: $each } -> ok',
    ],
    [
      'paths in arrays',
      updateOf({ $set: { 'items.0.sku': 'a', 'items.$.sku': 'b', 'items.$[one].sku': 'c', 'items.$[].q': 4 } }),
      'update c { _id: "p" } $set { items.0.sku: "a", items.$.sku: "b", items.$[one].sku: "c", items.$[].q } -> ok',
    ],
    [
      'documents in documents',
      { insert: 'c', documents: [{ _id: 1, profile: { mail: 'm', password: 'p' }, other: { password: 'p' } }] },
      'insert c { _id: 1, profile: { mail: "m", password }, other } -> ok',
    ],
    [
      'documents in arrays',
      { insert: 'c', documents: [{ _id: 1, items: [{ sku: 'a', price: 3 }, 'x'], notes: ['n'] }] },
      'insert c { _id: 1, items: [{ sku: "a", price }, "x"], notes } -> ok',
    ],
    [
      'many documents',
      { insert: 'c', documents: [1, 2, 3, 4, 5].map((_id) => ({ _id })) },
      'insert c { _id: 1 }, { _id: 2 }, { _id: 3 }, and 2 more -> ok',
    ],
    [
      'several statements',
      {
        update: 'c',
        updates: [
          { q: { _id: 1 }, u: { $set: { a: 1 } } },
          { q: { _id: 2 }, u: { $inc: { b: 1 } } },
        ],
      },
      'update c { _id: 1 } $set a; { _id: 2 } $inc b -> ok',
    ],
    [
      'several deletes',
      { delete: 'c', deletes: [{ q: { _id: 1 } }, { q: { a: 1 } }] },
      'delete c { _id: 1 }; { a } -> ok',
    ],
    [
      'operators of filters',
      { find: 'c', filter: { count: { $gt: 1, $lte: 5 }, token: { $ne: 's' }, state: { $in: ['a', 'b'] } } },
      'find c { count: $gt 1 $lte 5, token: $ne, state: $in ["a", "b"] } -> ok',
    ],
    [
      'logical operators',
      { find: 'c', filter: { $or: [{ state: 'new' }, { token: 's' }], $expr: { $eq: ['$a', 's'] } } },
      'find c { $or [{ state: "new" }, { token }], $expr } -> ok',
    ],
    [
      '$elemMatch',
      { find: 'c', filter: { items: { $elemMatch: { sku: 'a', price: 7 } } } },
      'find c { items: $elemMatch { sku: "a", price } } -> ok',
    ],
    ['a sort', { find: 'c', filter: {}, sort: { at: -1, count: 1 } }, 'find c {} sort { at: -1, count: 1 } -> ok'],
    [
      'stages',
      {
        aggregate: 'c',
        pipeline: [
          { $match: { state: 'new', token: 's' } },
          { $lookup: { from: 'orders', as: 'o' } },
          { $unionWith: 'more' },
          { $addFields: { count: 1, token: 's' } },
          { $sort: { at: 1 } },
          { $limit: 2 },
          { $group: { _id: '$token' } },
          { $merge: { into: { db: 'd', coll: 'kept' } } },
        ],
      },
      'aggregate c $match { state: "new", token }, $lookup from orders, $unionWith from more, $addFields { count: 1, token }, ' +
        '$sort { at: 1 }, $limit 2, $group, $merge into kept -> ok',
    ],
    ['getMore', { getMore: Long.fromNumber(7), collection: 'c' }, 'getMore c -> ok'],
    ['distinct', { distinct: 'c', key: 'token', query: { state: 'new' } }, 'distinct c token { state: "new" } -> ok'],
    ['count', { count: 'c', query: { token: 's' } }, 'count c { token } -> ok'],
    [
      'createIndexes',
      { createIndexes: 'c', indexes: [{ name: 'a_1' }, { name: 'b_1' }] },
      'createIndexes c a_1, b_1 -> ok',
    ],
    ['start', { find: 'c', filter: { _id: 1 }, startTransaction: true }, 'find c startTransaction { _id: 1 } -> ok'],
    ['commit', { commitTransaction: 1 }, 'commitTransaction -> ok'],
    [
      'bulkWrite',
      {
        bulkWrite: 1,
        nsInfo: [{ ns: 'd.c' }, { ns: 'd.e.f' }],
        ops: [
          { insert: 0, document: { _id: 1, token: 's' } },
          { update: 1, filter: { state: 'new' }, updateMods: { $set: { count: 2 } }, upsert: true },
          { delete: 0, filter: { token: 's' } },
        ],
      },
      'bulkWrite insert c { _id: 1, token }; update e.f { state: "new" } $set { count: 2 } upsert; delete c { token } -> ok',
    ],
    [
      'scalars of all kinds',
      {
        insert: 'c',
        documents: [{ _id: { user: 'u', day: 3 }, count: Long.fromString('9007199254740993'), state: new Date(0) }],
      },
      'insert c { _id: { user: "u", day: 3 }, count: 9007199254740993, state: 1970-01-01T00:00:00.000Z } -> ok',
    ],
    [
      'more scalars',
      {
        find: 'c',
        filter: { count: Decimal128.fromString('1.50'), state: /^a/i, likes: new Binary(Buffer.from('s')) },
      },
      'find c { count: 1.50, state: /^a/i, likes: ... } -> ok',
    ],
  ])('%s', (_what, body, expected) => {
    expect(line(body)).toBe(expected);
  });

  test('findAndModify: which document its reply holds', () => {
    const command = { findAndModify: 'c', query: { _id: 'p' }, update: { $inc: { count: 1 } } };
    const value = { _id: 'p', count: 1, token: 's' };
    const start = 'findAndModify c { _id: "p" } $inc { count: 1 }';
    expect(line(command, { ...OK, value })).toBe(`${start} -> before { _id: "p", count: 1 }`);
    expect(line({ ...command, new: true }, { ...OK, value })).toBe(`${start} -> after { _id: "p", count: 1 }`);
    expect(line(command, { ...OK, value: null })).toBe(`${start} -> null`);
    const lastErrorObject = { n: 1, updatedExisting: false, upserted: 'p' };
    expect(line({ ...command, upsert: true }, { ...OK, value: null, lastErrorObject })).toBe(
      `${start} upsert -> null, upserted _id "p"`,
    );
    expect(line({ findAndModify: 'c', query: {}, sort: { at: 1 }, remove: true }, { ...OK, value })).toBe(
      'findAndModify c {} sort { at: 1 } remove -> { _id: "p", count: 1 }',
    );
  });

  test('ids that are generated have numbers, in the order in which they come up', () => {
    const [one, other] = [new ObjectId(), new UUID()];
    expect(line({ find: 'c', filter: { _id: { $in: [one, other, one] } } })).toBe(
      'find c { _id: $in [ObjectId#1, UUID#2, ObjectId#1] } -> ok',
    );
  });
});

describe('a reply says what came back', () => {
  const find = { find: 'c', filter: {} };
  test.each<[string, Fields, Fields, string]>([
    ['nothing', find, found(), '0 documents'],
    ['one, with a named field', find, found({ _id: 'p', count: 1, token: 's' }), '{ _id: "p", count: 1 }'],
    ['one, with its id alone', find, found({ _id: 'p', token: 's' }), '_id "p"'],
    ['one, with nothing to show', find, found({ token: 's' }), '1 document'],
    ['several', find, found({ _id: 1, token: 's' }, { _id: 2 }), '2 documents'],
    [
      'several, with a named field',
      find,
      found({ _id: 1, count: 1 }, { _id: 2, count: 5 }, { token: 's' }, { _id: 4 }),
      '4 documents { _id: 1, count: 1 } { _id: 2, count: 5 } {} ...',
    ],
    ['values of distinct', { distinct: 'c', key: 'state' }, { ...OK, values: ['a', 'b'] }, '["a", "b"]'],
    ['values of distinct that are hidden', { distinct: 'c', key: 'token' }, { ...OK, values: ['s'] }, '1 value'],
    [
      'ids that hold another field',
      { aggregate: 'c', pipeline: [{ $group: { _id: '$token', count: { $sum: 1 } } }] },
      found({ _id: 's', count: 1 }),
      '{ count: 1 }',
    ],
    [
      'ids that are projected from another field',
      { aggregate: 'c', pipeline: [{ $project: { _id: '$token' } }] },
      found({ _id: 's' }),
      '1 document',
    ],
    [
      'countDocuments',
      { aggregate: 'c', pipeline: [{ $match: {} }, { $group: { _id: 1, n: { $sum: 1 } } }] },
      found({ _id: 1, n: 7 }),
      'n=7',
    ],
    ['a write that changed nothing', updateOf({ $set: { a: 1 } }), { ...OK, n: 1, nModified: 0 }, 'n=1, no change'],
    [
      'an upsert that inserted',
      updateOf({ $set: { a: 1 } }),
      { ...OK, n: 1, nModified: 0, upserted: [{ index: 0, _id: 'p' }] },
      'n=1, upserted _id "p"',
    ],
    [
      'an index that was there',
      { createIndexes: 'c', indexes: [] },
      { ...OK, numIndexesBefore: 2, numIndexesAfter: 2 },
      'ok, no change',
    ],
    ['an error', find, { ok: 0, code: 112, codeName: 'WriteConflict', errmsg: 's' }, 'error 112 WriteConflict'],
  ])('%s', (_what, body, reply, expected) => {
    expect(line(body, reply).split(' -> ')[1]).toBe(expected);
  });

  test('a duplicate key: the index and its fields, and values only of those to be shown', () => {
    const failure = {
      index: 0,
      code: 11_000,
      errmsg: 'E11000 duplicate key error collection: d.users index: both dup key: { state: "new", mail: "ann@x.org" }',
      keyPattern: { state: 1, mail: 1 },
      keyValue: { state: 'new', mail: 'ann@x.org' },
    };
    const expected = 'E11000 duplicate key: users both { state: "new", mail }';
    expect(line({ insert: 'users', documents: [] }, { ...OK, n: 0, writeErrors: [failure] })).toContain(expected);
    expect(line({ insert: 'users', documents: [] }, { ...OK, n: 2, writeErrors: [failure] })).toContain(
      `n=2, ${expected}`,
    );
    expect(line({ findAndModify: 'users', query: {}, update: {} }, { ...failure, ok: 0 })).toContain(expected);
  });
});

describe('whatever the command, no value of a field that is not named', () => {
  const SECRET = 'SECRET';
  const NAMES = ['a', 'b', 'items', 'profile', 'secret'];
  const OPERATORS = [
    '$eq',
    '$gt',
    '$in',
    '$not',
    '$elemMatch',
    '$each',
    '$regex',
    '$add',
    '$literal',
    '$cond',
    '$slice',
  ];
  const { value, document, filter } = fc.letrec<{ value: unknown; document: Fields; filter: Fields }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.constantFrom<unknown>(
        SECRET,
        SECRET,
        new RegExp(SECRET),
        new Binary(Buffer.from(SECRET)),
        [SECRET],
        `$${SECRET}`,
      ),
      tie('document'),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom(...OPERATORS), tie('value'), { minKeys: 1, maxKeys: 2 }),
    ),
    document: fc.dictionary(fc.constantFrom(...NAMES, 'items.0.a', 'items.$.b', 'profile.secret'), tie('value'), {
      maxKeys: 3,
    }),
    filter: fc.oneof(
      { depthSize: 'small' },
      tie('document'),
      fc.dictionary(fc.constantFrom('$or', '$and', '$nor'), fc.array(tie('filter'), { maxLength: 2 }), { maxKeys: 1 }),
      fc.dictionary(fc.constantFrom('$expr', '$where', '$comment', '$text'), tie('value'), { maxKeys: 1 }),
    ),
  }));
  const CHANGES = [
    '$set',
    '$unset',
    '$inc',
    '$push',
    '$pull',
    '$addToSet',
    '$setOnInsert',
    '$min',
    '$currentDate',
    '$bit',
  ];
  const STAGES = ['$set', '$addFields', '$project', '$group', '$facet', '$replaceWith', '$bucket', '$sort', '$fill'];
  const stage = fc.oneof(
    fc.dictionary(fc.constantFrom(...STAGES), document, { minKeys: 1, maxKeys: 1 }),
    filter.map(($match) => ({ $match })),
    document.map((rest) => ({ $lookup: { ...rest, from: 'other' } })),
  );
  const pipeline = fc.array(stage, { maxLength: 3 });
  const update = fc.oneof(document, pipeline, fc.dictionary(fc.constantFrom(...CHANGES), document, { maxKeys: 2 }));
  const statement = fc.record({
    q: filter,
    u: update,
    upsert: fc.boolean(),
    arrayFilters: fc.array(filter, { maxLength: 1 }),
  });
  const some = <E>(one: fc.Arbitrary<E>): fc.Arbitrary<E[]> => fc.array(one, { minLength: 1, maxLength: 4 });
  const command: fc.Arbitrary<Fields> = fc.oneof<fc.Arbitrary<Fields>[]>(
    fc.record({ find: fc.constant('c'), filter, sort: document, projection: document, hint: document }),
    fc.record({ insert: fc.constant('c'), documents: some(document) }),
    fc.record({ update: fc.constant('c'), updates: some(statement) }),
    fc.record({ delete: fc.constant('c'), deletes: some(statement) }),
    fc.record({
      findAndModify: fc.constant('c'),
      query: filter,
      update,
      sort: document,
      upsert: fc.boolean(),
      new: fc.boolean(),
    }),
    fc.record({ aggregate: fc.constant('c'), pipeline }),
    fc.record({ distinct: fc.constant('c'), key: fc.constantFrom(...NAMES), query: filter }),
    fc.record({ count: fc.constant('c'), query: filter }),
    fc.record({ collMod: fc.constant('c'), validator: filter }),
    fc.record({
      bulkWrite: fc.constant(1),
      nsInfo: fc.constant([{ ns: 'd.c' }]),
      ops: some(fc.record({ update: fc.constant(0), filter, updateMods: update, document })),
    }),
  );
  const failure = document.map((keyValue) => ({
    code: 11_000,
    errmsg: `E11000 duplicate key error collection: d.c index: a_1 dup key: { a: "${SECRET}" }`,
    keyValue,
  }));
  const reply: fc.Arbitrary<Fields> = fc.oneof<fc.Arbitrary<Fields>[]>(
    some(document).map((documents) => found(...documents)),
    document.map((one) => ({ ...OK, value: one, lastErrorObject: { upserted: 7 } })),
    some(value).map((values) => ({ ...OK, values })),
    failure.map((one) => ({ ...one, ok: 0 })),
    failure.map((one) => ({ ...OK, n: 1, writeErrors: [one] })),
    fc.constant({ ok: 0, code: 121, codeName: 'DocumentValidationFailure', errmsg: SECRET, errInfo: { a: SECRET } }),
  );

  test('of random ones', () => {
    const property = fc.property(command, reply, (body, answer) => {
      expect(line(body, answer, {})).not.toContain(SECRET);
    });
    fc.assert(property, { numRuns: 3_000 });
  });

  test('but of those that are named: the same commands show them', () => {
    const named: TraceOptions = { showFields: [...NAMES, 'items.a', 'items.b', 'profile.secret'] };
    const shown = fc
      .sample(fc.tuple(command, reply), { numRuns: 500, seed: 1 })
      .filter(([body, answer]) => line(body, answer, named).includes(SECRET));
    expect(shown.length).toBeGreaterThan(100);
  });
});

describe('how clients ended', () => {
  const endsOf = (
    outcomes: readonly Outcome<unknown>[],
    options: TraceOptions = { showFields: ['code'] },
    [body, reply]: readonly [Fields, Fields] = [
      { find: 'c', filter: { code: 'c1' } },
      found({ token: 'hidden-token' }),
    ],
  ): readonly string[] => {
    const writer = new TraceWriter(options);
    writer.step({ client: 0, index: 0, name: 'find', body }, reply);
    const step: ExecutedStep = {
      choice: { client: 0, position: 0 },
      enabledClients: [0],
      footprint: { reads: [], writes: [], isFault: false } as unknown as ExecutedStep['footprint'],
      command: body,
      reply,
    };
    return writer.ends(outcomes, [step]);
  };
  const returned = (value: unknown): Outcome<unknown> => ({ kind: 'returned', value });

  test.each<[string, unknown, string]>([
    ['a text that the trace shows', 'c1', '"c1"'],
    ['another text', 'hidden-token', '"..."'],
    ['a text that came up nowhere', 'a-new-token', '"..."'],
    ['a number', 123_456, '...'],
    ['nothing', undefined, 'undefined'],
    ['null', null, 'null'],
    ['true', true, 'true'],
    ['a document', { _id: 'p', code: 'c1', token: 'x' }, '{ _id: "p", code: "c1", token }'],
    ['an array', ['c1', 'x', { code: 'c2' }], '["c1", "...", { code: "c2" }]'],
    ['a document of a library', { toJSON: () => ({ code: 'c1', token: 'x' }) }, '{ code: "c1", token }'],
    ['an instance', new Map([['token', 'x']]), '...'],
    ['binary data', new Binary(Buffer.from('x')), '...'],
    ['an id', new ObjectId(), 'ObjectId#1'],
  ])('%s', (_what, value, expected) => {
    expect(endsOf([returned(value)])).toEqual([`A returned ${expected}`]);
  });

  test("errors: the user's without hidden texts, the server's by code", () => {
    const conflict = Object.assign(new Error('x'), { name: 'MongoServerError', code: 112, codeName: 'WriteConflict' });
    const outcomes = [new Error('hidden-token is used, c1 is not'), conflict, 'hidden-token', new TypeError()];
    expect(endsOf(outcomes.map((error) => ({ kind: 'threw', error })))).toEqual([
      'A threw ... is used, c1 is not',
      'B threw MongoServerError 112 WriteConflict',
      'C threw ...',
      'D threw TypeError',
    ]);
  });

  test('with showResults all of it, also what has no JSON', () => {
    const circle: Record<string, unknown> = { n: 1n };
    circle['self'] = circle;
    const outcomes = [
      returned('any'),
      returned({ a: 1 }),
      returned(circle),
      returned(undefined),
      { kind: 'absent' } as const,
    ];
    expect(endsOf(outcomes, { showResults: true })).toEqual([
      'A returned "any"',
      'B returned {"a":1}',
      'C returned <ref *1> { n: 1n, self: [Circular *1] }',
      'D returned undefined',
      '',
    ]);
  });
});
