import { expect, test } from 'vitest';
import { checkRotations } from '../../src/checker/index.ts';
import type { PoolState } from '../../src/model/pool-state.ts';
import type { Answer, PoolCall } from '../../src/model/rotation-types.ts';
import { commitsBetween } from '../support/commits.ts';
import { pool, toSnapshot } from '../support/pool-states.ts';

/* A caller of k1 can't know, and asks about its rotation when all is mended. */

const start = pool({ keys: ['k1'], free: ['b1', 'b2'], bindings: { p1: 'k1' } });
const replaced = pool({
  keys: ['b1'],
  free: ['b2'],
  used: { b1: 'k1' },
  rotationIds: { b1: 'r1' },
  bindings: { p1: 'b1' },
});

const found = (keyId: string, replacement: string): Answer => ({ kind: 'found', keyId, replacement });
const unknown: Answer = { kind: 'unknown-rotation' };

const told = (final: PoolState, answer: Answer, isLogged = true, asker = 1): string[] => {
  const calls: [PoolCall, Answer][] = [
    [
      { op: 'rotate', keyId: 'k1' },
      { kind: 'indeterminate', rotationId: 'r1' },
    ],
    [{ op: 'find-rotation', rotationId: 'r1' }, answer],
  ];
  return checkRotations({
    scenario: 'same-key',
    start: toSnapshot(start),
    between: [],
    ...(isLogged ? { commits: final === start ? [] : commitsBetween(start, final, 'r1') } : {}),
    final: toSnapshot(final),
    history: {
      unit: 'ms',
      operations: calls.map(([call, given], caller) => ({
        caller: caller === 0 ? 0 : asker,
        process: 0,
        service: 'keypool',
        call,
        invokedAtMs: caller * 20,
        completedAtMs: caller * 20 + 10,
        answer: given,
      })),
      claims: [],
      faults: [{ kind: 'commit-unknown', atMs: 5 }],
      conflicts: 0,
      lostRaces: 0,
    },
    expectedErrors: [],
  }).map(({ invariant, sentence }) => `${invariant} ${sentence}`);
};

test.each([true, false])('is told what took effect; with the log: %s', (isLogged) => {
  expect(told(replaced, found('k1', 'b1'), isLogged)).toEqual([]);
  expect(told(start, unknown, isLogged)).toEqual([]);
  // Who was not told yet asks again, which is judged apart.
  expect(told(replaced, { kind: 'crashed' }, isLogged)).toEqual([]);
});

test.each([true, false])('is told that there is none, and there is; with the log: %s', (isLogged) => {
  expect(told(replaced, unknown, isLogged)).toEqual([
    'I6 who asked about the rotation r1 was told that there is none, and it replaced k1 by b1',
  ]);
});

test.each([
  ['k2', 'b1'],
  ['k1', 'b2'],
])('is told of another rotation: %s and %s', (keyId, replacement) => {
  expect(told(replaced, found(keyId, replacement))).toEqual([
    `I6 who asked about the rotation r1 was told ${keyId} and ${replacement}, and it replaced k1 by b1`,
  ]);
});

test('is told of a rotation that was never committed', () => {
  expect(told(start, found('k1', 'b1'))).toEqual([
    'I6 who asked about the rotation r1 was told k1 and b1, and no commit has it',
  ]);
});

test('who asks at once may be told too early that there is none, and never of one that is undone', () => {
  const [isLogged, sameCaller] = [true, 0];
  expect(told(replaced, unknown, isLogged, sameCaller)).toEqual([]);
  expect(told(replaced, found('k1', 'b1'), isLogged, sameCaller)).toEqual([]);
  expect(told(start, found('k1', 'b1'), isLogged, sameCaller)).toEqual([
    'I6 who asked about the rotation r1 was told k1 and b1, and no commit has it',
  ]);
});

test.each<Answer>([{ kind: 'rotated', replacement: 'b1', rotationId: 'r1' }, { kind: 'not-found' }])(
  '$kind is no answer to it',
  (answer) => {
    expect(told(replaced, answer)).toEqual([
      `I6 who asked about the rotation r1 was told ${answer.kind}, which is no answer of findRotation`,
    ]);
  },
);

test('an answer that rotate does not know', () => {
  const answer = { kind: 'already-roatted', replacement: 'b2' } as unknown as Answer;
  const calls = [
    { answer: { kind: 'rotated', replacement: 'b1', rotationId: 'r1' } as const, caller: 0 },
    { answer, caller: 1 },
  ];
  const run = {
    scenario: 'same-key',
    start: toSnapshot(start),
    between: [],
    commits: commitsBetween(start, replaced, 'r1'),
    final: toSnapshot(replaced),
    history: {
      unit: 'ms' as const,
      operations: calls.map((one) => ({
        ...one,
        process: 0,
        service: 'keypool',
        call: { op: 'rotate', keyId: 'k1' } as const,
        invokedAtMs: 0,
        completedAtMs: 10,
      })),
      claims: [],
      conflicts: 0,
      lostRaces: 0,
    },
    expectedErrors: [],
  };
  expect(checkRotations(run)).toEqual([
    { invariant: 'I5', sentence: 'caller 1 was told already-roatted for k1, which is no answer of rotate' },
  ]);
});
