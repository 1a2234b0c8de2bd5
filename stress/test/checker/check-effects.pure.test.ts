import { describe, expect, test } from 'vitest';
import { checkRun } from '../../src/checker/check-run.ts';
import type { PoolCommit } from '../../src/checker/rotation-run.ts';
import type { PoolState } from '../../src/model/pool-state.ts';
import {
  alreadyRotated,
  busy,
  crashed,
  failed,
  history,
  indeterminate,
  noBackup,
  rotated,
  type Call,
} from '../support/histories.ts';
import { commitsBetween } from '../support/commits.ts';
import { pool } from '../support/pool-states.ts';

const start = pool({ keys: ['k1'], free: ['b1', 'b2'], bindings: { p1: 'k1' } });
const once = pool({ keys: ['b1'], free: ['b2'], used: { b1: 'k1' }, bindings: { p1: 'b1' } });

interface Seen {
  readonly final: PoolState;
  readonly calls: readonly Call[];
  readonly commits?: readonly PoolCommit[];
  readonly isFaulty?: boolean;
}

const violationsOf = ({ final, calls, commits, isFaulty = true }: Seen): string[] =>
  checkRun({
    start,
    between: [],
    ...(commits === undefined ? {} : { commits }),
    final,
    history: { ...history(calls), ...(isFaulty ? { faults: [{ kind: 'kill-primary', atMs: 5 }] } : {}) },
    expectedErrors: ['refused'],
  }).map(({ invariant, sentence }) => `${invariant} ${sentence}`);

const nameless = { kind: 'indeterminate', rotationId: '' } as const;
const NAMELESS = 'I6 caller 3 was told indeterminate for k1 without a rotationId to ask about';

test('a caller that can not know is told the rotationId, whether its rotation came to pass or not', () => {
  for (const final of [start, once]) {
    expect(violationsOf({ final, calls: [[3, 'k1', indeterminate]] })).toEqual([]);
    expect(violationsOf({ final, calls: [[3, 'k1', nameless]] })).toEqual([NAMELESS]);
  }
});

test('each such caller is named, and nobody else', () => {
  const calls: Call[] = [
    [1, 'k1', rotated('b1')],
    [2, 'k1', busy],
    [3, 'k1', nameless],
    [4, 'k1', crashed],
    [5, 'k1', nameless],
  ];
  expect(violationsOf({ final: once, calls })).toEqual([NAMELESS, NAMELESS.replace('3', '5')]);
});

describe('with the log', () => {
  const made = commitsBetween(start, once);
  const madeBy = (rotationId: string): PoolCommit[] => commitsBetween(start, once, rotationId);

  test.each<readonly [string, Seen]>([
    ['one caller was told', { final: once, calls: [[3, 'k1', rotated('b1')]], commits: made }],
    ['its rotationId', { final: once, calls: [[3, 'k1', rotated('b1', 'r1')]], commits: madeBy('r1') }],
    ['it could not know', { final: once, calls: [[3, 'k1', indeterminate]], commits: madeBy('r-unknown') }],
    ['it was never answered', { final: once, calls: [[3, 'k1', crashed]], commits: madeBy('r1') }],
    ['nothing was done', { final: start, calls: [[3, 'k1', indeterminate]], commits: [] }],
  ])('agree: %s', (_, seen) => {
    expect(violationsOf(seen)).toEqual([]);
  });

  const unowned = (told: string): string =>
    `I6 k1 was replaced by b1 in commit 1, and no caller was told rotated or could not know: ${told}`;

  test.each<readonly [string, Seen, string[]]>([
    [
      'an unknown commit was taken for undone: its caller found the work of another',
      { final: once, calls: [[3, 'k1', alreadyRotated('b1')]], commits: madeBy('r1') },
      [unowned('1 already-rotated')],
    ],
    [
      'an unknown commit was taken for undone: its caller was told that nothing was done',
      {
        final: once,
        calls: [
          [3, 'k1', busy],
          [4, 'k1', failed('refused')],
        ],
        commits: madeBy('r1'),
      },
      [unowned('1 busy, 1 error')],
    ],
    [
      'who could not know has the id of a rotation that is not in the log',
      { final: once, calls: [[3, 'k1', indeterminate]], commits: madeBy('r1') },
      [unowned('1 indeterminate')],
    ],
    [
      'what was told as rotated was rolled back, and done by another',
      {
        final: once,
        calls: [
          [3, 'k1', rotated('b1', 'r0')],
          [4, 'k1', crashed],
        ],
        commits: madeBy('r1'),
      },
      ['I6 caller 3 was told rotated for k1 with replacement b1, and no commit has this rotation'],
    ],
  ])('do not agree: %s', (_, seen, violations) => {
    expect(violationsOf(seen)).toEqual(violations);
  });

  test('where nothing went wrong, everybody can know', () => {
    const calls: Call[] = [[3, 'k1', alreadyRotated('b1')]];
    expect(violationsOf({ final: once, calls, commits: made, isFaulty: false })).toEqual([
      unowned('1 already-rotated').replace('I6', 'I5'),
    ]);
  });

  test('what the log left is what is there at the end', () => {
    expect(violationsOf({ final: once, calls: [[3, 'k1', rotated('b1')]], commits: [] })).toContain(
      'I6 the log and the database differ at the end: the key k1',
    );
    expect(violationsOf({ final: start, calls: [[3, 'k1', noBackup]], commits: made })).toContain(
      'I6 the log and the database differ at the end: the backup b1',
    );
  });
});

test('without a log: what was told as rotated, another rotation did', () => {
  const final = pool({
    keys: ['b1'],
    free: ['b2'],
    used: { b1: 'k1' },
    rotationIds: { b1: 'r1' },
    bindings: { p1: 'b1' },
  });
  const calls: Call[] = [
    [3, 'k1', rotated('b1', 'r0')],
    [4, 'k1', crashed],
  ];
  expect(violationsOf({ final, calls })).toEqual([
    'I6 caller 3 was told rotated for k1 with replacement b1, and another rotation did it',
  ]);
});

test('without a log: a rotation that nobody owns up to', () => {
  expect(violationsOf({ final: once, calls: [[3, 'k1', alreadyRotated('b1')]] })).toEqual([
    'I6 k1 was replaced, and no caller was told rotated or could not know: 1 already-rotated',
  ]);
});
