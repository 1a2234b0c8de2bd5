import { describe, expect, test } from 'vitest';
import { checkRun } from '../../src/checker/check-run.ts';
import { sentencesOf, type Left } from '../support/check.ts';
import {
  alreadyRotated,
  history,
  indeterminate,
  noBackup,
  notFound,
  rotated,
  type Call,
} from '../support/histories.ts';
import { pool } from '../support/pool-states.ts';

// k1 -> b1 -> b2; a third key found nothing left.
const start = pool({ keys: ['k1', 'k2'], free: ['b1', 'b2'], bindings: { p1: 'k1', p2: 'k2' } });
const final = pool({ keys: ['b2', 'k2'], used: { b1: 'k1', b2: 'b1' }, bindings: { p1: 'b2', p2: 'k2' } });
const rotations = [
  [0, 'k1', rotated('b1'), 10, 20],
  [0, 'b1', rotated('b2'), 21, 30],
] as const;
const MICROSECONDS_PER_SECOND = 1e6;
const orderOf = (...calls: readonly Call[]): string[] => sentencesOf.order({ start, final, calls });

const refused = (what: string, endMs: number, beginMs: number, why: string): string =>
  `no order explains ${what}: it was over at ${endMs.toFixed(1)} ms, but can't have come before ${beginMs.toFixed(1)} ms, when ${why}`;

describe('one constraint of real time is broken, and all else would fit', () => {
  test.each<[string, Call, ...string[]]>([
    [
      'already-rotated, answered before the winner was called',
      [1, 'k1', alreadyRotated('b1'), 0, 9],
      refused("caller 1's already-rotated for k1", 9, 10, 'the rotation of k1 was called'),
    ],
    ['the same, answered as the winner was called', [1, 'k1', alreadyRotated('b1'), 0, 10]],
    [
      'a replacement told as live after its own rotation was answered',
      [1, 'k1', alreadyRotated('b1'), 31, 40],
      refused('rotation of b1', 30, 31, "the caller 1's already-rotated for k1 was called"),
    ],
    ['the same, called as that rotation was answered', [1, 'k1', alreadyRotated('b1'), 30, 40]],
    [
      'the end of the chain told before it was installed',
      [1, 'k1', alreadyRotated('b2'), 10, 20],
      refused("caller 1's already-rotated for k1", 20, 21, 'the rotation of b1 was called'),
    ],
    [
      'no-backup before the stock could end',
      [1, 'k2', noBackup, 0, 20],
      refused("caller 1's no-backup for k2", 20, 21, 'the rotation of b1 was called'),
    ],
    ['no-backup when it could have ended', [1, 'k2', noBackup, 0, 21]],
    [
      'not-found for a key that was installed',
      [1, 'b1', notFound, 21, 40],
      refused('rotation of k1', 20, 21, "the caller 1's not-found for b1 was called"),
    ],
    ['not-found before it was installed', [1, 'b1', notFound, 0, 20]],
  ])('%s', (_, call, ...sentences) => {
    expect(orderOf(...rotations, call)).toEqual(sentences);
  });

  test('a replacement rotated before it was installed', () => {
    expect(orderOf([0, 'k1', rotated('b1'), 10, 20], [1, 'b1', rotated('b2'), 0, 9])).toEqual([
      refused('rotation of b1', 9, 10, 'the rotation of k1 was called'),
    ]);
  });

  test('an answer before its own call', () => {
    expect(orderOf([0, 'k1', rotated('b1'), 20, 10], [0, 'b1', rotated('b2'), 21, 30])).toEqual([
      refused('rotation of k1', 10, 20, 'it was called'),
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
      refused("caller 2's already-rotated for k1", 40, 50, 'the rotation of k1 was called'),
    ]);
  });

  test('what goes round in a circle is named: no-backup for a key that had one', () => {
    expect(orderOf(...rotations, [1, 'k1', noBackup, 0, 100])).toEqual([
      "no order explains what was told, for it goes round in a circle: rotation of b1, before end of stock, before caller 1's no-backup for k1, before rotation of k1",
    ]);
  });
});

test('the cost is linear: a run of 100,000 operations is judged in less than 2 s', () => {
  const count = 100_000;
  const perKey = 10;
  const keyIds = Array.from({ length: count / perKey }, (_, index) => `k${index}`);
  const pairs = keyIds.map((keyId, index) => ({ keyId, backupId: `b${index}`, atMs: index }));
  const calls = pairs.flatMap(({ keyId, backupId, atMs }, index) =>
    Array.from({ length: perKey }, (_, one): Call => {
      const outcome = one === 0 ? rotated(backupId) : alreadyRotated(backupId);
      return [index * perKey + one, keyId, outcome, atMs, atMs + 50];
    }),
  );
  const run = {
    start: pool({ keys: keyIds, free: pairs.map(({ backupId }) => backupId) }),
    between: [],
    final: pool({
      keys: pairs.map(({ backupId }) => backupId),
      used: Object.fromEntries(pairs.map(({ keyId, backupId }) => [backupId, keyId])),
    }),
    history: history(calls),
    expectations: { errorCodes: [] },
  };
  // The thread's own time: what other work the machine has is no cost of the checker.
  const began = process.threadCpuUsage();
  expect(checkRun(run)).toEqual([]);
  const { user, system } = process.threadCpuUsage(began);
  expect((user + system) / MICROSECONDS_PER_SECOND).toBeLessThan(2);
});
