import { expect, test } from 'vitest';
import { hasSeveralWrites } from '../src/run/several-writes.ts';

const many = { q: {}, u: { $inc: { n: 1 } }, multi: true };

test.each([
  ['an insert of two documents', { insert: 'c', documents: [{}, {}] }, { n: 2 }],
  ['two statements, whatever they changed', { update: 'c', updates: [many, many] }, { n: 0, nModified: 0 }],
  ['an update that changed two documents', { update: 'c', updates: [many] }, { n: 3, nModified: 2 }],
  ['a delete of two documents', { delete: 'c', deletes: [{ q: {}, limit: 0 }] }, { n: 2 }],
  ['a bulkWrite', { bulkWrite: 1, ops: [{ insert: 0 }, { insert: 0 }] }, { cursor: {} }],
  ['a merge', { aggregate: 'c', pipeline: [{ $match: {} }, { $merge: 'd' }] }, { cursor: {} }],
])('%s has several writes', (_what, command, reply) => {
  expect(hasSeveralWrites(command, { ok: 1, ...reply })).toBe(true);
  expect(hasSeveralWrites({ ...command, autocommit: false }, { ok: 1, ...reply })).toBe(false);
  expect(hasSeveralWrites(command, undefined)).toBe(false);
});

test.each([
  ['an insert of one document', { insert: 'c', documents: [{}] }, { n: 1 }],
  ['an update that changed one of the three that it found', { update: 'c', updates: [many] }, { n: 3, nModified: 1 }],
  ['a delete of one document', { delete: 'c', deletes: [{ q: {}, limit: 0 }] }, { n: 1 }],
  ['a count', { count: 'c' }, { n: 7 }],
  ['a findAndModify', { findAndModify: 'c', update: {} }, { value: {}, lastErrorObject: { n: 1 } }],
  ['a pipeline that only reads', { aggregate: 'c', pipeline: [{ $match: {} }] }, { cursor: {} }],
])('%s has not', (_what, command, reply) => {
  expect(hasSeveralWrites(command, { ok: 1, ...reply })).toBe(false);
});
