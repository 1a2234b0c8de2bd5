import { describe, expect, test } from 'vitest';
import { sentencesOf, type Left } from '../support/check.ts';
import { alreadyRotated, indeterminate, noBackup, notFound, rotated, type Call } from '../support/histories.ts';
import { pool } from '../support/pool-states.ts';

// k1 -> b1 -> b2; a third key found nothing left.
const start = pool({ keys: ['k1', 'k2'], free: ['b1', 'b2'], bindings: { p1: 'k1', p2: 'k2' } });
const final = pool({ keys: ['b2', 'k2'], used: { b1: 'k1', b2: 'b1' }, bindings: { p1: 'b2', p2: 'k2' } });
const rotations = [
  [0, 'k1', rotated('b1'), 10, 20],
  [0, 'b1', rotated('b2'), 21, 30],
] as const;
const orderOf = (...calls: readonly Call[]): string[] => sentencesOf.order({ start, final, calls });

/** @param cause who came later, in the words of the sentence: caller, key, time, answer */
const refused = (what: string, endMs: number, [caller, keyId, beginMs, told]: Cause): string =>
  `no order explains ${what} (answered at ${endMs.toFixed(1)} ms): caller ${caller} asked for ${keyId} at ${beginMs.toFixed(1)} ms and was told ${told}`;
type Cause = readonly [caller: number, keyId: string, beginMs: number, told: string];

describe('one constraint of real time is broken, and all else would fit', () => {
  test.each<[string, Call, ...string[]]>([
    [
      'already-rotated, answered before the winner was called',
      [1, 'k1', alreadyRotated('b1'), 0, 9],
      refused('the answer already-rotated for k1 to caller 1', 9, [0, 'k1', 10, 'rotated']),
    ],
    ['the same, answered as the winner was called', [1, 'k1', alreadyRotated('b1'), 0, 10]],
    [
      'a replacement told as live after its own rotation was answered',
      [1, 'k1', alreadyRotated('b1'), 31, 40],
      "caller 1 was told that b1 took k1's place, and b2 had replaced b1 before it asked (at 30.0 ms; it asked at 31.0 ms)",
    ],
    ['the same, called as that rotation was answered', [1, 'k1', alreadyRotated('b1'), 30, 40]],
    [
      'the end of the chain told before it was installed',
      [1, 'k1', alreadyRotated('b2'), 10, 20],
      refused('the answer already-rotated for k1 to caller 1', 20, [0, 'b1', 21, 'rotated']),
    ],
    [
      'no-backup before the stock could end',
      [1, 'k2', noBackup, 0, 20],
      refused('the answer no-backup for k2 to caller 1', 20, [0, 'b1', 21, 'rotated']),
    ],
    ['no-backup when it could have ended', [1, 'k2', noBackup, 0, 21]],
    [
      'not-found for a key that was installed',
      [1, 'b1', notFound, 21, 40],
      refused('the rotation of k1', 20, [1, 'b1', 21, 'not-found']),
    ],
    ['not-found before it was installed', [1, 'b1', notFound, 0, 20]],
  ])('%s', (_, call, ...sentences) => {
    expect(orderOf(...rotations, call)).toEqual(sentences);
  });

  test('a replacement rotated before it was installed', () => {
    expect(orderOf([0, 'k1', rotated('b1'), 10, 20], [1, 'b1', rotated('b2'), 0, 9])).toEqual([
      refused('the rotation of b1', 9, [0, 'k1', 10, 'rotated']),
    ]);
  });

  test('an answer before its own call', () => {
    expect(orderOf([0, 'k1', rotated('b1'), 20, 10], [0, 'b1', rotated('b2'), 21, 30])).toEqual([
      refused('the rotation of k1', 10, [0, 'k1', 20, 'rotated']),
    ]);
  });

  test('a rotation that only one could have made who was called later', () => {
    const left: Left = {
      start,
      final: pool({ keys: ['b1', 'k2'], free: ['b2'], used: { b1: 'k1' } }),
      calls: [
        [1, 'k1', indeterminate, 50, 60],
        [2, 'k1', alreadyRotated('b1'), 0, 40],
      ],
    };
    expect(sentencesOf.order(left)).toEqual([
      refused('the answer already-rotated for k1 to caller 2', 40, [1, 'k1', 50, 'indeterminate']),
    ]);
  });

  test('what goes round in a circle is named: no-backup for a key that had one', () => {
    expect(orderOf(...rotations, [1, 'k1', noBackup, 0, 100])).toEqual([
      'no order explains the answers, for they form a circle: the rotation of b1, before the end of the stock, before the answer no-backup for k1 to caller 1, before the rotation of k1',
    ]);
  });
});
