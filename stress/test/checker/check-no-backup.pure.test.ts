import { expect, test } from 'vitest';
import { sentencesOf } from '../support/check.ts';
import { indeterminate, noBackup, rotated } from '../support/histories.ts';
import { pool, withKey } from '../support/pool-states.ts';

const start = pool({ keys: ['k1'], bindings: { p1: 'k1', p2: 'k1' } });
const calls = [
  [5, 'k1', noBackup],
  [6, 'k1', noBackup],
] as const;

test('no-backup while one was free: of each key the first caller is named', () => {
  const withStock = pool({ keys: ['k1'], free: ['b1'] });
  expect(sentencesOf.noBackup({ start: withStock, final: withStock, calls })).toEqual([
    'caller 5 was told no-backup for k1, while b1 was free all along',
  ]);
});

test('one that was set aside is no stock', () => {
  const before = pool({ keys: ['k1'], free: ['b1'] });
  const final = pool({ keys: ['k1'], aside: ['b1'] });
  expect(sentencesOf.noBackup({ start: before, final, calls })).toEqual([]);
});

test('the key is gone', () => {
  const final = pool({ bindings: { p1: 'k1', p2: 'k1' } });
  expect(sentencesOf.noBackup({ start, final, calls })).toEqual(['caller 5 was told no-backup for k1, and k1 is gone']);
});

test('the key was changed', () => {
  const final = withKey(start, { id: 'k1', content: 'k1 exhausted' });
  expect(sentencesOf.noBackup({ start, final, calls })).toEqual([
    'caller 5 was told no-backup for k1, and k1 is not as it was',
  ]);
});

test('bindings are gone', () => {
  const final = pool({ keys: ['k1'], bindings: { p1: 'k1' } });
  expect(sentencesOf.noBackup({ start, final, calls })).toEqual([
    'caller 5 was told no-backup for k1, and 1 of its bindings are gone',
  ]);
});

test.each([
  ['never was', pool({})],
  ['was rotated before the run', pool({ keys: ['b0'], kept: ['k1'], used: { b0: 'k1' } })],
  ['was used up', pool({ used: { k1: 'k0' } })],
])('no-backup for a key that %s', (_, state) => {
  expect(sentencesOf.noBackup({ start: state, final: state, calls })).toEqual([
    'caller 5 was told no-backup for k1, which was no live key in this run',
  ]);
});

test.each([
  ['rotated by another caller', rotated('b1')],
  ['perhaps rotated by one who could not know', indeterminate],
])('a key that was %s is for the order to judge', (_, told) => {
  const left = {
    start: pool({ keys: ['k1'], free: ['b1'] }),
    final: pool({ keys: ['b1'], used: { b1: 'k1' } }),
    calls: [[1, 'k1', told], ...calls] as const,
  };
  expect(sentencesOf.noBackup(left)).toEqual([]);
});
