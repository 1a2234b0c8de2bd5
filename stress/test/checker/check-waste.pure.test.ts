import { expect, test } from 'vitest';
import { sentencesOf } from '../support/check.ts';
import { rotated } from '../support/histories.ts';
import { pool } from '../support/pool-states.ts';

const start = pool({ keys: ['k1'], free: ['b1', 'b2'], bindings: { p1: 'k1' } });
const claims = [
  { keyId: 'k1', backupId: 'b1', caller: 1 },
  { keyId: 'k1', backupId: 'b2', caller: 2 },
];

test('in limbo: claimed for a key that another caller had replaced', () => {
  const final = pool({ keys: ['b1'], used: { b1: 'k1', b2: 'k1' }, bindings: { p1: 'b1' } });
  expect(sentencesOf.waste({ start, final, claims })).toEqual([
    'b2 wasted: caller 2 claimed it for k1, which caller 1 had already replaced by b1',
  ]);
});

test('claimed and left: a crash after the claim', () => {
  const final = pool({ keys: ['k1'], free: ['b2'], used: { b1: 'k1' }, bindings: { p1: 'k1' } });
  expect(sentencesOf.waste({ start, final, claims })).toEqual([
    'b1 wasted: caller 1 claimed it for k1 and did not make it a live key',
  ]);
});

test('claimed for a key that is live as before', () => {
  const final = pool({ keys: ['k1', 'b1'], free: ['b2'], used: { b1: 'k1' }, bindings: { p1: 'k1' } });
  expect(sentencesOf.waste({ start, final, claims })).toEqual([
    'b1 wasted: caller 1 claimed it for k1, which is live as before',
  ]);
});

test('live and bound to nothing', () => {
  const final = pool({ keys: ['b1'], free: ['b2'], used: { b1: 'k1' } });
  expect(sentencesOf.waste({ start, final, claims })).toEqual([
    'b1 wasted: caller 1 made it a live key in the place of k1, but none of the bindings points to it',
  ]);
});

test('a surplus live key, nobody was told: the bound one is the real replacement', () => {
  const final = pool({ keys: ['b1', 'b2'], used: { b1: 'k1', b2: 'k1' }, bindings: { p1: 'b2' } });
  expect(sentencesOf.waste({ start, final, claims })).toEqual([
    'b1 wasted: caller 1 claimed it for k1, which caller 2 had already replaced by b2',
  ]);
});

test('a surplus live key, nothing is bound: the one that a caller was told is the real replacement', () => {
  const final = pool({ keys: ['b1', 'b2'], used: { b1: 'k1', b2: 'k1' } });
  expect(sentencesOf.waste({ start, final, calls: [[2, 'k1', rotated('b2')]], claims })).toEqual([
    'b1 wasted: caller 1 claimed it for k1, which caller 2 had already replaced by b2',
    'b2 wasted: caller 2 made it a live key in the place of k1, but none of the bindings points to it',
  ]);
});

test('a key that had no bindings may be replaced by one that has none', () => {
  const unbound = pool({ keys: ['k1'], free: ['b1'] });
  expect(sentencesOf.waste({ start: unbound, final: pool({ keys: ['b1'], used: { b1: 'k1' } }) })).toEqual([]);
});

test('a surplus live key: of two that were told, the bound one is the real replacement', () => {
  const final = pool({ keys: ['b1', 'b2'], used: { b1: 'k1', b2: 'k1' }, bindings: { p1: 'b2' } });
  const calls = [
    [1, 'k1', rotated('b1')],
    [2, 'k1', rotated('b2')],
  ] as const;
  expect(sentencesOf.waste({ start, final, calls, claims })).toEqual([
    'b1 wasted: caller 1 claimed it for k1, which caller 2 had already replaced by b2',
  ]);
});

test('a backup that was used before the run is not of this run', () => {
  const before = pool({ keys: ['k1'], used: { b0: 'k1' }, bindings: { p1: 'k1' } });
  expect(sentencesOf.waste({ start: before, final: before })).toEqual([]);
});

test('a backup that names no key', () => {
  const final = pool({ keys: ['k1'], free: ['b2'], used: { b1: undefined }, bindings: { p1: 'k1' } });
  expect(sentencesOf.waste({ start, final })).toEqual([
    'b1 wasted: somebody claimed it for (nothing) and did not make it a live key',
  ]);
});

test('a free backup that vanished', () => {
  const final = pool({ keys: ['k1'], free: ['b1'], bindings: { p1: 'k1' } });
  expect(sentencesOf.waste({ start, final })).toEqual(['b2 is gone, and was a free backup when the run began']);
});
