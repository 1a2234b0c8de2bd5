import { expect, test } from 'vitest';
import { formatRounds } from '../../src/report/rounds.ts';
import { row } from '../support/rows.ts';

const { storm } = row();
if (storm === undefined) throw new Error('a row without a storm');

test('a storm of one round has nothing to say', () => {
  expect(formatRounds([row()])).toEqual([]);
});

test('faults by kind; one that hit no call is shown as such', () => {
  const spread = { median: 500, max: 1_250 };
  const rounds = {
    judged: 3,
    violated: 1,
    calls: 60,
    faults: [
      {
        kind: 'step-down',
        made: 2,
        hit: 1,
        met: 17,
        underWay: 15,
        durationMs: spread,
        outageMs: spread,
        recoveryMs: spread,
      },
      { kind: 'kill-caller', made: 1, hit: 0, met: 0, underWay: 0, durationMs: spread, outageMs: spread },
    ],
    longestCallMs: 1_300,
    apartMs: { mean: 3_210, median: 3_000, max: 4_500 },
    undisturbedMs: 2_100,
    deadlineMs: 60_000,
    allowanceMs: 120,
    askedAgain: 2,
    servedAgainMs: 40,
    maxUnservedMs: 15_000,
    inquired: 1,
  };
  expect(formatRounds([row({ storm: { ...storm, durationMs: 9_000, rounds } })])).toEqual([
    'one-seat, atomic on hall: 3 rounds in 9.00 s, 60 calls, 1 violated',
    '  3 faults, from begin to begin 3.21 s on average (median 3.00 s, max 4.50 s), none for 2.10 s at most',
    '  step-down: 2 made, 1 hit calls under way (median 17; 15 of all when it began), lasted 0.50 s (max 1.25 s), first call served 0.50 s (max 1.25 s) after its end, nobody served for 0.50 s (max 1.25 s)',
    '  kill-caller: 1 made, NONE hit a call under way: they prove nothing, lasted 0.50 s (max 1.25 s), no call was served after it, nobody served for 0.50 s (max 1.25 s)',
    "  longest call 1.30 s; each in time: 60.00 s, or its caller's own deadline, and 0.12 s for a busy process at most; 2 calls not served and made again, served within 0.04 s of 15.00 s; 1 call in doubt asked about",
    '',
  ]);
});
