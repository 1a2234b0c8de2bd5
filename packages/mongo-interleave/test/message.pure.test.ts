import { BSON, Long } from 'mongodb';
import { describe, expect, test } from 'vitest';
import { frameSplitter } from '../src/gate/frames.ts';
import { asOutdated, readMessage, withMembers, withoutCompression } from '../src/gate/message.ts';
import { opMsg, opQuery, sequence } from './support/wire.ts';

describe('frameSplitter', () => {
  test('gives whole messages in order, wherever the stream is cut', () => {
    const frames = [opMsg({ find: 'a' }), opMsg({ find: 'b', filter: { _id: 'x'.repeat(100) } }), opMsg({ find: 'c' })];
    const stream = Buffer.concat(frames);
    for (const size of [1, 2, 3, 7, 64, stream.length]) {
      const got: Buffer[] = [];
      const split = frameSplitter((frame) => got.push(Buffer.from(frame)));
      for (let at = 0; at < stream.length; at += size) split(stream.subarray(at, at + size));
      expect(got).toEqual(frames);
    }
  });

  test.each([
    ['TLS', Buffer.from([0x16, 3, 1, 0])],
    ['a length that is too small', Buffer.from([15, 0, 0, 0])],
    ['a length that is too large', Buffer.from([0xff, 0xff, 0xff, 0x7f])],
  ])('refuses %s', (_what, data) => {
    const split = frameSplitter(() => expect.unreachable('no frame'));
    expect(() => split(data)).toThrow(expect.objectContaining({ code: 'unsupported-protocol' }));
  });
});

describe('readMessage', () => {
  test('puts document sequences into the command, whose name stays its first field', () => {
    const documents = [{ _id: 1 }, { _id: 2 }];
    const { body, requestId } = readMessage(
      opMsg({ insert: 'a', $db: 'd' }, { before: [sequence('documents', documents)] }),
    );
    expect(body).toEqual({ insert: 'a', $db: 'd', documents });
    expect(Object.keys(body)[0]).toBe('insert');
    expect(requestId).toBe(7);
  });

  test('takes a checksum for no section', () => {
    expect(readMessage(opMsg({ ping: 1 }, { checksum: true })).body).toEqual({ ping: 1 });
  });

  test('reads the flags', () => {
    expect(readMessage(opMsg({ ping: 1 }, { flags: 1 << 16 }))).toMatchObject({
      exhaustAllowed: true,
      moreToCome: false,
    });
    expect(readMessage(opMsg({ ping: 1 }, { flags: 1 << 1 }))).toMatchObject({
      exhaustAllowed: false,
      moreToCome: true,
    });
  });

  test.each([2012, 2001])('refuses wire operation %i', (opCode) => {
    const frame = opMsg({ ping: 1 });
    frame.writeInt32LE(opCode, 12);
    expect(() => readMessage(frame)).toThrow(expect.objectContaining({ code: 'unsupported-protocol' }));
  });
});

describe('withoutCompression', () => {
  const greeting = { hello: 1, compression: ['zlib'], maxAwaitTimeMS: Long.fromNumber(5), helloOk: true };

  test.each([
    ['OP_MSG', opMsg(greeting)],
    ['OP_MSG with a checksum', opMsg(greeting, { checksum: true })],
    ['OP_QUERY', opQuery(greeting)],
  ])('empties the list in %s and leaves the rest as it was', (_what, frame) => {
    const changed = withoutCompression(frame);
    expect(changed.readInt32LE(0)).toBe(changed.length);
    expect(readMessage(changed).body).toEqual({ ...greeting, compression: [], maxAwaitTimeMS: 5 });
    // A Long stays a Long: same bytes after the list.
    const long = BSON.serialize({ maxAwaitTimeMS: Long.fromNumber(5) }).slice(4, -1);
    expect(changed.includes(Buffer.from(long))).toBe(true);
  });

  test('leaves a greeting alone that asks for none', () => {
    const frame = opMsg({ hello: 1, compression: [] });
    expect(withoutCompression(frame)).toBe(frame);
  });
});

describe('asOutdated', () => {
  test('a heartbeat knows an older version of the member', () => {
    const topologyVersion = { processId: 'p', counter: BSON.Long.fromNumber(7) };
    const heartbeat = { hello: 1, maxAwaitTimeMS: 10_000, topologyVersion };
    const { body } = readMessage(asOutdated(opMsg(heartbeat)));
    expect(body).toEqual({ ...heartbeat, topologyVersion: { processId: 'p', counter: 0 } });
  });

  test('leaves what waits for nothing alone', () => {
    const frame = opMsg({ hello: 1 });
    expect(asOutdated(frame)).toBe(frame);
  });
});

describe('withMembers', () => {
  const greeting = {
    isWritablePrimary: true,
    setName: 'rs',
    hosts: ['one:1', 'two:2'],
    arbiters: ['three:3'],
    primary: 'one:1',
    me: 'one:1',
    ok: 1,
  };
  const { arbiters: _arbiters, ...rest } = greeting;
  const ALONE = { me: 'gate:9', hosts: ['gate:9'], primary: 'gate:9' };
  const alone = { ...rest, hosts: ['gate:9'], primary: 'gate:9', me: 'gate:9' };

  test.each([
    ['without', opMsg(greeting)],
    ['with', opMsg(greeting, { checksum: true })],
  ])('a greeting %s a checksum names no other member', (_what, frame) => {
    expect(readMessage(withMembers(frame, ALONE)).body).toEqual(alone);
  });

  test('leaves data alone', () => {
    const frame = opMsg({ cursor: { firstBatch: [{ setName: 'rs', hosts: [], me: 'x' }] }, ok: 1 });
    expect(withMembers(frame, ALONE)).toBe(frame);
  });
});
