import { parseAnswer } from 'mongo-harness/testing';
import { keypool } from 'keypool';
import { describe, expect, test } from 'vitest';
import { program } from '../../src/flows/program.ts';
import type { Answer } from '../../src/model/rotation-types.ts';

const { toLine, toClaim } = program.protocol;
const rotateK1 = { op: 'rotate', keyId: 'k1' } as const;

test('a call names the pool and the key', () => {
  expect(toLine(rotateK1, keypool)).toEqual({ op: 'rotate', pool: 'keypool', key: 'k1' });
  expect(() => toLine({ op: 'restore', backupId: 'b1' }, keypool)).toThrow('the protocol has no restore');
});

describe('each word is an answer', () => {
  test.each<[string, Answer]>([
    ['{"id":1,"outcome":"rotated","replacement":"b1"}', { kind: 'rotated', replacement: 'b1' }],
    ['{"id":1,"outcome":"already-rotated","replacement":"b1"}', { kind: 'already-rotated', replacement: 'b1' }],
    ['{"id":1,"outcome":"already-rotated"}', { kind: 'already-rotated' }],
    ['{"id":1,"outcome":"no-backup"}', { kind: 'no-backup' }],
    ['{"id":1,"outcome":"not-found"}', { kind: 'not-found' }],
    ['{"id":1,"outcome":"error","text":"boom"}', { kind: 'error', code: 'program', message: 'boom' }],
  ])('%s', (line, answer) => {
    expect(parseAnswer(program.protocol, line, [1])).toEqual({ kind: 'answer', id: 1, answer });
  });
});

test('only who is told rotated is known to have claimed', () => {
  expect(toClaim?.(4, rotateK1, { kind: 'rotated', replacement: 'b1' })).toEqual({
    keyId: 'k1',
    backupId: 'b1',
    caller: 4,
  });
  expect(toClaim?.(4, rotateK1, { kind: 'already-rotated', replacement: 'b1' })).toBeUndefined();
});
