import { expect, test } from 'vitest';
import { sentencesOf } from '../support/check.ts';
import { rotated } from '../support/histories.ts';
import { pool } from '../support/pool-states.ts';

test('a key that took two backups: both are named, with who took them', () => {
  const left = {
    start: pool({ keys: ['k1'], free: ['b1', 'b2'] }),
    final: pool({ keys: ['b1'], used: { b1: 'k1', b2: 'k1' } }),
    calls: [[4, 'k1', rotated('b1', 'r1')]] as const,
    claims: [
      { keyId: 'k1', backupId: 'b1', rotationId: 'r1' },
      { keyId: 'k1', backupId: 'b2', caller: 7 },
    ],
  };
  expect(sentencesOf.claims(left)).toEqual(['k1 took 2 backups instead of one: b1 by caller 4, b2 by caller 7']);
});

test('of many backups the first five are named', () => {
  const ids = ['b1', 'b2', 'b3', 'b4', 'b5', 'b6', 'b7'];
  const left = {
    start: pool({ keys: ['k1'], free: ids }),
    final: pool({ keys: ['b1'], used: Object.fromEntries(ids.map((id) => [id, 'k1'])) }),
  };
  expect(sentencesOf.claims(left)).toEqual([
    'k1 took 7 backups instead of one: b1 by somebody, b2 by somebody, b3 by somebody, b4 by somebody, b5 by somebody and 2 more',
  ]);
});

test('two keys that share a backup: one of them went without', () => {
  const left = {
    start: pool({ keys: ['k1', 'k2'], free: ['b1'] }),
    final: pool({ keys: ['b1'], used: { b1: 'k1' } }),
  };
  expect(sentencesOf.claims(left)).toEqual([
    "k2 was retired, yet no backup is marked as used for it: it went without one, or shares another key's",
  ]);
});

test('a backup that was a live key already', () => {
  const left = {
    start: pool({ keys: ['k1', 'b1'], free: ['b1'] }),
    final: pool({ keys: ['b1'], used: { b1: 'k1' } }),
    claims: [{ keyId: 'k1', backupId: 'b1', caller: 2 }],
  };
  expect(sentencesOf.claims(left)).toEqual(['b1 was a live key already when caller 2 claimed it for k1']);
});

test('a backup that was taken for what was no key', () => {
  const left = {
    start: pool({ keys: ['k1'], free: ['b1', 'b2'] }),
    final: pool({ keys: ['k1', 'b1'], free: ['b2'], used: { b1: 'b2' } }),
    claims: [{ keyId: 'b2', backupId: 'b1', caller: 2 }],
  };
  expect(sentencesOf.claims(left)).toEqual(['b2 took b1 by caller 2, and was no live key']);
});

test('a backup that was used already, before the run', () => {
  const left = {
    start: pool({ keys: ['k1'], used: { b1: 'k0' } }),
    final: pool({ keys: ['b1'], used: { b1: 'k1' } }),
    claims: [{ keyId: 'k1', backupId: 'b1', caller: 2 }],
  };
  expect(sentencesOf.claims(left)).toEqual(['b1 was used for k0 already when caller 2 claimed it for k1']);
});

test.each([
  ['of a backup that is free still', pool({ keys: ['k1', 'b1'], free: ['b1'] })],
  ['of nothing', pool({ keys: ['k1', 'b1'] })],
])('a live key was made out %s', (_, final) => {
  expect(sentencesOf.claims({ start: pool({ keys: ['k1'], free: ['b1'] }), final })).toEqual([
    'b1 became a live key, yet no backup of that name was claimed in this run',
  ]);
});

test('a backup that was set aside', () => {
  const left = {
    start: pool({ keys: ['k1'], aside: ['b1'] }),
    final: pool({ keys: ['b1'], used: { b1: 'k1' } }),
    calls: [[4, 'k1', rotated('b1')]] as const,
    claims: [{ keyId: 'k1', backupId: 'b1', caller: 4 }],
  };
  expect(sentencesOf.claims(left)).toEqual(['b1 was set aside, and caller 4 claimed it for k1']);
});
