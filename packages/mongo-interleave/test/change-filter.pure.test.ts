import { BSON, type Document } from 'mongodb';
import { expect, test } from 'vitest';
import { bothOf, changeFilter } from '../src/gate/change-filter.ts';
import { readMessage } from '../src/gate/message.ts';
import { opMsg, sequence } from './support/wire.ts';

const never = { _id: { $exists: false } };
const both = (filter: Buffer): Buffer => bothOf(filter, Buffer.from(BSON.serialize(never)));
const filter = { a: 1, b: { $in: ['x', /y/i] } };
const changed = { $and: [filter, never] };
const statement = { q: filter, u: { $set: { a: 2 } }, upsert: true };

test.each([
  ['an update', opMsg({ update: 'c', updates: [statement], $db: 'd' })],
  ['an update with a checksum', opMsg({ update: 'c', updates: [statement], $db: 'd' }, { checksum: true })],
  ['an update whose statement comes in a section of its own', sequenced([statement])],
])('%s', (_what, frame) => {
  const message = changeFilter(frame, both);
  expect(message.readInt32LE(0)).toBe(message.length);
  expect(readMessage(message)).toEqual({
    ...readMessage(frame),
    body: { update: 'c', $db: 'd', updates: [{ ...statement, q: changed }] },
  });
});

test('a findAndModify, with and without a filter', () => {
  const rest = { update: { $inc: { n: 1 } }, upsert: true };
  const bodyOf = (command: Document): unknown => readMessage(changeFilter(opMsg(command), both)).body;
  const command = { findAndModify: 'c', query: filter, ...rest };
  expect(bodyOf(command)).toEqual({ ...command, query: changed });
  expect(bodyOf({ findAndModify: 'c', ...rest })).toEqual({
    findAndModify: 'c',
    ...rest,
    query: { $and: [{}, never] },
  });
});

test('each byte beside the filter stays, for each type of BSON', () => {
  const bytes = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');
  const values = BSON.serialize({
    double: new BSON.Double(1),
    text: 'a\0b',
    document: { 10: 1, 2: [] },
    binary: new BSON.Binary(Buffer.from([0, 1, 0]), 4),
    id: new BSON.ObjectId(),
    boolean: true,
    date: new Date(7),
    nothing: null,
    regex: new BSON.BSONRegExp('a/b', 'imx'),
    code: new BSON.Code('f()'),
    scoped: new BSON.Code('f()', { x: 1 }),
    symbol: new BSON.BSONSymbol('s'),
    int: new BSON.Int32(1),
    timestamp: new BSON.Timestamp({ t: 1, i: 2 }),
    long: BSON.Long.MAX_VALUE,
    decimal: BSON.Decimal128.fromString('1.10'),
    min: new BSON.MinKey(),
    max: new BSON.MaxKey(),
  });
  // Types that the driver can't write: undefined, and a pointer to a document.
  const old = bytes('06 75 00  0c 70 00 02000000 63 00 000102030405060708090a0b');
  const before = Buffer.concat([
    Buffer.from('\x02findAndModify\0\x02\0\0\0c\0'),
    old,
    Buffer.from(values).subarray(4, -1),
  ]);
  const query = Buffer.concat([Buffer.from('\x03query\0'), BSON.serialize(filter)]);
  const after = Buffer.from('\x08upsert\0\x01');
  const frame = opMsgOf(Buffer.concat([before, query, after]));
  const inner = Buffer.concat([Buffer.from('\x03query\0'), BSON.serialize(changed)]);
  expect(changeFilter(frame, both).equals(opMsgOf(Buffer.concat([before, inner, after])))).toBe(true);
});

function sequenced(updates: readonly Document[]): Buffer {
  return opMsg({ update: 'c', $db: 'd' }, { before: [sequence('updates', updates)] });
}

/** An OP_MSG whose document has these elements. */
function opMsgOf(elements: Buffer): Buffer {
  const head = opMsg({}).subarray(0, 21);
  const document = Buffer.concat([Buffer.alloc(4), elements, Buffer.alloc(1)]);
  document.writeInt32LE(document.length);
  const frame = Buffer.concat([head, document]);
  frame.writeInt32LE(frame.length);
  return frame;
}
