import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import type { StormRun } from '../../src/storm/run.ts';
import { Tally } from '../../src/storm/tally.ts';
import type { Fault, Operation } from '../../src/system/history.ts';
import seatsSystem, { type Seats } from '../support/seats-system.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** A round of ten calls and two faults, of which the second begins 3 s after the first. */
function round(number: number): StormRun<Seats> {
  const operations = Array.from({ length: 10 }, (_, caller): Operation<Seats> => ({
    caller,
    process: caller % 2,
    service: 'box-office',
    call: { op: 'reserve', seat: 's1' },
    invokedAtMs: caller,
    completedAtMs: 40 + ((number * caller) % 977),
    heldUpMs: caller,
    answer: { kind: 'sold-out' },
  }));
  const fault = (kind: string, atMs: number): Fault => ({ kind, atMs, endedAtMs: atMs + 400, met: 7, underWay: 5 });
  const faults = [fault('step-down', 5), { ...fault('kill-caller', 3_005), process: 1 }];
  return {
    run: {
      scenario: 'one-seat',
      start: [],
      between: [],
      final: [],
      expectedErrors: [],
      history: { unit: 'ms', operations, claims: [], faults, conflicts: 1, lostRaces: 0 },
    },
    durationMs: 5_000,
    isCutOff: false,
    steps: [
      { step: 'step-down', atMs: 0 },
      { step: 'kill-caller', atMs: 3_000 },
    ],
    beganAtMs: 10_000 * number,
  };
}

function tallyOf(rounds: number): Tally<Seats> {
  const tally = new Tally(seatsSystem, 1_000);
  for (let number = 0; number < rounds; number++) tally.add(round(number), false, 10);
  return tally;
}

test('faults by kind, and how far apart they began, from round to round', () => {
  const { rounds } = tallyOf(3).figures();
  expect(rounds?.faults).toMatchObject([
    { kind: 'step-down', made: 3, hit: 3, durationMs: { max: 400 } },
    { kind: 'kill-caller', made: 3, hit: 3, durationMs: { max: 400 } },
  ]);
  for (const { met, underWay } of rounds?.faults ?? []) expect([met, underWay]).toEqual([7, 5]);
  // 3 s in a round, 7 s from the last of a round to the first of the next.
  expect(rounds?.apartMs).toMatchObject({ mean: (3 * 3_000 + 2 * 7_000) / 5, max: 7_000 });
  expect(rounds?.apartMs?.median).toBeCloseTo(3_000, -2);
  // The second fault of a round is over after 3.4 s, and the next round begins after 10 s.
  expect(rounds?.undisturbedMs).toBeCloseTo(10_005 - 3_405);
  // Of process 0, for a fault met the other: three times 8 ms, and what can't be measured.
  expect(rounds).toMatchObject({ deadlineMs: 1_000, allowanceMs: 3 * 8 + 32 });
});

describe('memory', () => {
  test('does not grow with the rounds', () => {
    const tally = tallyOf(2_000);
    collectGarbage();
    const before = process.memoryUsage().heapUsed;
    for (let number = 2_000; number < 22_000; number++) tally.add(round(number), false, 10);
    collectGarbage();
    const grownBytes = process.memoryUsage().heapUsed - before;
    expect(tally.figures().rounds).toMatchObject({ judged: 22_000, calls: 220_000 });
    // With a few numbers for each fault it would be some megabytes.
    expect(grownBytes).toBeLessThan(1_000_000);
  });
});
