import { expect, test } from 'vitest';
import { checkBesideOlderFlow, countOlderFlowDamage } from '../../src/checker/check-beside-older-flow.ts';
import type { RotationRun } from '../../src/checker/rotation-run.ts';
import type { PoolState } from '../../src/model/pool-state.ts';
import { history, type Call } from '../support/histories.ts';
import { pool } from '../support/pool-states.ts';

const start = pool({ keys: ['k1'], free: ['b1', 'b2', 'b3'], bindings: { p1: 'k1', p2: 'k1' } });
/** The older flow claimed b1 when the rotation to b2 had begun. */
const olderFlowLost = pool({
  keys: ['b2'],
  free: ['b3'],
  used: { b1: 'k1', b2: 'k1' },
  bindings: { p1: 'b2', p2: 'b2' },
});

const rotatedTo = (replacement: string, caller = 0): Call => [caller, 'k1', { kind: 'rotated', replacement }];

/** Caller 1 has the older flow, and claimed b1. */
function run(final: PoolState, calls: readonly Call[], between: readonly PoolState[] = []): RotationRun {
  const past = history(calls, [{ keyId: 'k1', backupId: 'b1', caller: 1 }]);
  const operations = past.operations.map((operation) =>
    operation.caller === 1 ? { ...operation, by: 'older-flow' as const } : operation,
  );
  return { start, between, final, history: { ...past, operations }, operated: [], expectedErrors: [] };
}

const sentencesOf = (...given: Parameters<typeof run>): string[] =>
  checkBesideOlderFlow(run(...given)).map(({ invariant, sentence }) => `${invariant}: ${sentence}`);

test('the older flow rotated the key, and the others were told', () => {
  const final = pool({ keys: ['b1'], free: ['b2', 'b3'], used: { b1: 'k1' }, bindings: { p1: 'b1', p2: 'b1' } });
  const told: Call = [0, 'k1', { kind: 'already-rotated', replacement: 'b1' }];
  expect(sentencesOf(final, [told, rotatedTo('b1', 1)])).toEqual([]);
});

test('a backup that the older flow wasted is its own affair', () => {
  const calls: readonly Call[] = [rotatedTo('b2'), [1, 'k1', { kind: 'already-rotated', replacement: 'b1' }]];
  expect(sentencesOf(olderFlowLost, calls)).toEqual([]);
  expect(countOlderFlowDamage(run(olderFlowLost, calls))).toEqual({
    used: 2,
    wastedByOlderFlow: 1,
    wastedByRotations: 0,
    lostBindings: 0,
    notFound: 0,
  });
});

test('a rotation of a key whose bindings the older flow had taken away, at the end or on the way', () => {
  const bare = pool({ keys: ['b2'], free: ['b3'], used: { b1: 'k1', b2: 'k1' }, bindings: { p2: 'b2' } });
  const expected =
    'a rotation replaced k1 by b2, and 1 bindings of k1 do not point to b2: an older flow had taken them';
  expect(sentencesOf(bare, [rotatedTo('b2')])).toEqual([`I3: ${expected}`]);
  expect(sentencesOf(olderFlowLost, [rotatedTo('b2')], [bare])).toEqual([
    `I3: in a state that was committed meanwhile: ${expected}`,
  ]);
  expect(countOlderFlowDamage(run(bare, []))).toMatchObject({ lostBindings: 1 });
});

test('two rotations of one key; a rotation that made no key', () => {
  const twice = pool({ keys: ['b2', 'b3'], used: { b1: 'k1', b2: 'k1', b3: 'k1' }, bindings: { p1: 'b2', p2: 'b2' } });
  expect(sentencesOf(twice, [rotatedTo('b2'), rotatedTo('b3', 2)])).toContain(
    'I1: k1 took b2 and b3 by rotations: one is enough',
  );
  const none = pool({ keys: ['b1'], free: ['b3'], used: { b1: 'k1', b2: 'k1' }, bindings: { p1: 'b1', p2: 'b1' } });
  expect(sentencesOf(none, [rotatedTo('b2')])).toEqual([
    'I2: b2 wasted: a rotation claimed it for k1, and it is no live key',
  ]);
  expect(countOlderFlowDamage(run(none, []))).toMatchObject({ wastedByRotations: 1, wastedByOlderFlow: 0 });
});

test.each<[string, readonly Call[], string]>([
  [
    'of no key',
    [[0, 'k1', { kind: 'not-found' }]],
    'caller 0 was told not-found for k1, which was live or had a succe',
  ],
  ['of an error', [[0, 'k1', { kind: 'error', code: 'database', message: '' }]], 'caller 0 was told error for k1'],
  [
    'of a wasted backup',
    [[0, 'k1', { kind: 'already-rotated', replacement: 'b1' }]],
    'caller 0 was told already-rotated for k1 with b1, which is no live key',
  ],
  [
    'of a free backup',
    [[0, 'k1', { kind: 'already-rotated', replacement: 'b3' }]],
    'caller 0 was told already-rotated for k1 with b3, which was not taken for it',
  ],
  ['of a rotation that was none', [rotatedTo('b1')], 'caller 0 was told rotated for k1, and no rotation took b1'],
  ['by two', [rotatedTo('b2', 3)], '2 callers were told that they rotated k1 to b2'],
])('a caller is told %s', (_what, calls, expected) => {
  expect(sentencesOf(olderFlowLost, [rotatedTo('b2', 2), ...calls]).join('\n')).toContain(`I5: ${expected}`);
});

test('an older flow that takes longer than it is waited for: nothing is promised for its key', () => {
  const slow: Call = [1, 'k1', { kind: 'already-rotated' }, 0, 5_000];
  const none: Call = [0, 'k1', { kind: 'not-found' }];
  expect(sentencesOf(olderFlowLost, [rotatedTo('b2'), none, slow])).toEqual([]);
});
