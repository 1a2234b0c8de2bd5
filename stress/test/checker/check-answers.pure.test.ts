import { describe, expect, test } from 'vitest';
import { sentencesOf } from '../support/check.ts';
import {
  alreadyRotated,
  busy,
  failed,
  indeterminate,
  noBackup,
  notFound,
  otherIncarnation,
  rotated,
  type Call,
} from '../support/histories.ts';
import { incarnationIn, pool } from '../support/pool-states.ts';

const start = pool({ keys: ['k1'], free: ['b1', 'b2'], bindings: { p1: 'k1' } });
const once = pool({ keys: ['b1'], free: ['b2'], used: { b1: 'k1' }, bindings: { p1: 'b1' } });
const twice = pool({ keys: ['b2'], used: { b1: 'k1', b2: 'b1' }, bindings: { p1: 'b2' } });
const answersOf = (final: ReturnType<typeof pool>, ...calls: readonly Call[]): string[] =>
  sentencesOf.answers({ start, final, calls });

test('two winners', () => {
  expect(answersOf(once, [3, 'k1', rotated('b1')], [4, 'k1', rotated('b1')])).toEqual([
    'callers 3 and 4 were all told that they rotated k1',
  ]);
});

test('a rotation that nobody was told of', () => {
  expect(answersOf(once, [3, 'k1', alreadyRotated('b1')], [4, 'k1', busy])).toEqual([
    'k1 was replaced, and no caller was told rotated or could not know: 1 already-rotated, 1 busy',
  ]);
});

test('a healthy key that was rotated away, though nobody called for it', () => {
  expect(answersOf(twice, [3, 'k1', rotated('b1')])).toEqual(['b1 was replaced, and nobody had called for it']);
});

test.each([rotated('b1'), alreadyRotated('b1')])('$kind for a key that is live as before', (told) => {
  expect(answersOf(start, [3, 'k1', told])).toEqual([`caller 3 was told ${told.kind} for k1, which is live as before`]);
});

test('a replacement that never took its place', () => {
  expect(answersOf(once, [3, 'k1', rotated('b1')], [4, 'k1', alreadyRotated('b2')])).toEqual([
    'caller 4 was told already-rotated for k1 with replacement b2, which never took its place',
  ]);
});

test('rotated with the successor of the replacement', () => {
  expect(answersOf(twice, [3, 'k1', rotated('b2')], [4, 'b1', rotated('b2')])).toEqual([
    'caller 3 was told rotated for k1 with replacement b2, which never took its place',
  ]);
});

test('rotated with the successor, where an earlier commit was in doubt', () => {
  const late = { ...rotated('b2'), attempts: 2 };
  expect(answersOf(twice, [3, 'k1', late], [4, 'b1', rotated('b2')])).toEqual([]);
});

test('already-rotated with an earlier key of the chain', () => {
  const calls = [
    [3, 'k1', rotated('b1')],
    [4, 'b1', rotated('b2')],
    [5, 'b1', alreadyRotated('b1')],
  ] as const;
  expect(answersOf(twice, ...calls)).toEqual([
    'caller 5 was told already-rotated for b1 with replacement b1, which never took its place',
  ]);
});

test('not-found for a key that was live', () => {
  expect(answersOf(once, [3, 'k1', rotated('b1')], [4, 'k1', notFound])).toEqual([
    'caller 4 was told not-found for k1, which was live when the run began',
  ]);
});

test('an error, unless the run is made to have it', () => {
  const calls = [[3, 'k1', failed('inconsistent', 'b9 is there already')]] as const;
  expect(answersOf(start, ...calls)).toEqual([
    'caller 3 was told nothing of k1 but an error: inconsistent: b9 is there already',
  ]);
  expect(sentencesOf.answers({ start, final: start, calls, expectedErrors: ['inconsistent'] })).toEqual([]);
});

test('one who could not know excuses that nobody was told', () => {
  expect(answersOf(once, [3, 'k1', indeterminate])).toEqual([]);
});

const past = pool({ keys: ['b00'], kept: ['k0', 'b0'], used: { b0: 'k0', b00: 'b0' } });
test.each([
  [notFound, 'caller 3 was told not-found for k0, which was rotated before the run'],
  [rotated('b0'), 'caller 3 was told rotated for k0, which was no live key in this run'],
  [
    alreadyRotated('b0'),
    'caller 3 was told already-rotated for k0 with replacement b0, which was no live key in this run',
  ],
])('of a key that was rotated before the run: $kind', (told, sentence) => {
  expect(sentencesOf.answers({ start: past, final: past, calls: [[3, 'k0', told]] })).toEqual([sentence]);
  expect(sentencesOf.answers({ start: past, final: past, calls: [[3, 'k0', alreadyRotated('b00')]] })).toEqual([]);
});

test('who only knows that the key is gone names no replacement; that is true once it was replaced', () => {
  expect(answersOf(once, [3, 'k1', rotated('b1')], [4, 'k1', { kind: 'already-rotated' }])).toEqual([]);
  const lost = pool({ free: ['b1', 'b2'], bindings: { p1: 'k1' } });
  expect(answersOf(lost, [4, 'k1', { kind: 'already-rotated' }])).toEqual([
    'caller 4 was told already-rotated for k1, and nothing had taken its place',
  ]);
});

test('a caller that crashed may have rotated the key, and nobody was told', () => {
  const again = [4, 'k1', alreadyRotated('b1')] as const;
  expect(answersOf(once, [3, 'k1', { kind: 'crashed' }], again)).toEqual([]);
  expect(answersOf(once, again)).toEqual([
    'k1 was replaced, and no caller was told rotated or could not know: 1 already-rotated',
  ]);
});

describe('another incarnation than the live one', () => {
  const asking = (told: Call[2]): Call => [4, 'k1', told, 0, 100, 'of a copy'];
  const winner: Call = [3, 'k1', rotated('b1')];

  test.each([
    ['other-incarnation, with the one that is live', otherIncarnation(incarnationIn('k1')), []],
    ['not-found, when the key was replaced', notFound, []],
    [
      'an incarnation that the key never had',
      otherIncarnation('made up'),
      ['caller 4 was told other-incarnation for k1 and made up, which was no incarnation of it in this run'],
    ],
    [
      'already-rotated',
      alreadyRotated('b1'),
      [
        'caller 4 was told already-rotated for k1, which was live in another incarnation than of a copy, for which it asked',
      ],
    ],
    ['an error', failed('refused'), ['caller 4 was told nothing of k1 but an error: refused: told']],
    [
      'no-backup',
      noBackup,
      ['caller 4 was told no-backup for k1, which was live in another incarnation than of a copy, for which it asked'],
    ],
  ])('%s', (_, told, sentences) => {
    expect(answersOf(once, winner, asking(told))).toEqual(sentences);
  });

  test('not-found, and the key is live as before', () => {
    expect(answersOf(start, asking(notFound))).toEqual([
      'caller 4 was told not-found for k1, which was live all along in another incarnation than of a copy, for which it asked',
    ]);
  });

  test('told to a caller that asked for the live one, or for none', () => {
    const told = otherIncarnation(incarnationIn('k1'));
    const sentence =
      'caller 4 was told other-incarnation for k1, and had not asked for another incarnation than the one that was live';
    expect(answersOf(start, [4, 'k1', told])).toEqual([sentence]);
    expect(answersOf(start, [4, 'k1', told, 0, 100, incarnationIn('k1')])).toEqual([sentence]);
  });

  test('who asked for another one can not have rotated the key', () => {
    expect(answersOf(once, asking(indeterminate))).toEqual([
      'k1 was replaced, and no caller was told rotated or could not know: 1 indeterminate',
    ]);
  });
});
