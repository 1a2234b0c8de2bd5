import { expect, test } from 'vitest';
import { sentencesOf } from '../support/check.ts';
import { heldBack, noBackup, rotated } from '../support/histories.ts';
import { BRAKE_PER_MS, pool } from '../support/pool-states.ts';

const startOf = (allowed?: number) =>
  pool({ keys: ['k1', 'k2'], free: ['b1', 'b2'], ...(allowed === undefined ? {} : { allowed }) });
const once = pool({ keys: ['b1', 'k2'], free: ['b2'], used: { b1: 'k1' } });
const twice = pool({ keys: ['b1', 'b2'], used: { b1: 'k1', b2: 'k2' } });
const winner = [1, 'k1', rotated('b1')] as const;

test('a run that made more rotations than the brake allowed', () => {
  expect(sentencesOf.brake({ start: startOf(1), final: twice })).toEqual([
    'the run made 2 rotations, and the brake allowed 1 of them',
  ]);
  expect(sentencesOf.brake({ start: startOf(2), final: twice })).toEqual([]);
  expect(sentencesOf.brake({ start: startOf(), final: twice })).toEqual([]);
});

test('held back, though the brake allowed more', () => {
  const calls = [winner, [2, 'k2', heldBack]] as const;
  expect(sentencesOf.brake({ start: startOf(2), final: once, calls })).toEqual([
    'caller 2 was told held-back for k2, and only 1 of 2 rotations were made',
  ]);
  expect(sentencesOf.brake({ start: startOf(1), final: once, calls })).toEqual([]);
});

test('held back by a pool without a brake', () => {
  expect(sentencesOf.brake({ start: startOf(), final: once, calls: [winner, [2, 'k2', heldBack]] })).toEqual([
    'caller 2 was told held-back for k2, and the pool has no brake',
  ]);
});

test('told to wait for longer than the brake counts', () => {
  const calls = [winner, [2, 'k2', { kind: 'held-back', waitMs: BRAKE_PER_MS + 1 }]] as const;
  expect(sentencesOf.brake({ start: startOf(1), final: once, calls })).toEqual([
    'caller 2 was told held-back for k2 for 60001 ms, and the brake counts 60000 ms',
  ]);
});

test('told that there is no backup, where the brake allowed nothing', () => {
  const start = pool({ keys: ['k1', 'k2'], free: ['b1'], allowed: 1 });
  const final = pool({ keys: ['b1', 'k2'], used: { b1: 'k1' } });
  expect(sentencesOf.brake({ start, final, calls: [winner, [2, 'k2', noBackup]] })).toEqual([
    'caller 2 was told no-backup for k2, and the brake allowed no rotation then',
  ]);
});

test('whoever is held back finds the key as it was', () => {
  const start = pool({ keys: ['k1'], bindings: { p1: 'k1' }, allowed: 0 });
  const final = pool({ keys: ['k1'], allowed: 0 });
  expect(sentencesOf.noBackup({ start, final, calls: [[1, 'k1', heldBack]] })).toEqual([
    'caller 1 was told held-back for k1, and 1 of its bindings are gone',
  ]);
});
