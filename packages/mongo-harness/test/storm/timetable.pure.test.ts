import { describe, expect, test } from 'vitest';
import type { PlannedCall } from '../../src/index.ts';
import { maxWavesOf, timetable, type Start } from '../../src/storm/timetable.ts';
import type { Seats } from '../support/seats-system.ts';

const callsOf = (count: number, seats: number): PlannedCall<Seats>[] =>
  Array.from({ length: count }, (_, caller) => ({ caller, call: { op: 'reserve', seat: `s${caller % seats}` } }));
const plan = (count: number, seats: number, waves: number) =>
  timetable<Seats>(callsOf(count, seats), { waves, spreadMs: 3_000, random: () => 0.5 });
const waveOf = (start: Start | undefined): number | undefined =>
  start === undefined || start === 'mended' ? undefined : start.wave;
const isMended = ({ start }: { readonly start?: Start }): boolean => start === 'mended';

test('half of the callers come at once, most of the others meanwhile, and some when all faults are over', () => {
  const starts = plan(20, 1, 1).map(({ start }) => start);
  expect(starts.filter((start) => waveOf(start) === 0 && start !== 'mended' && start?.afterMs === 0)).toHaveLength(10);
  expect(starts.filter((start) => start !== 'mended' && start?.afterMs === 1_500)).toHaveLength(8);
  expect(starts.filter((start) => start === 'mended')).toHaveLength(2);
});

describe('several waves', () => {
  const calls = plan(120, 12, 4);

  test('each has its share, and no call is lost', () => {
    expect(calls.map(({ caller }) => caller).toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 120 }, (_, i) => i),
    );
    expect(calls.filter(isMended)).toHaveLength(12);
    for (const wave of [0, 1, 2, 3]) expect(calls.filter(({ start }) => waveOf(start) === wave)).toHaveLength(27);
  });

  test('callers of one seat come in one wave, for they are to race', () => {
    const waves = Map.groupBy(
      calls.filter((call) => !isMended(call)),
      ({ call }) => call.seat,
    );
    for (const group of waves.values()) expect(new Set(group.map(({ start }) => waveOf(start))).size).toBe(1);
  });

  test('are no more than there are different calls', () => {
    expect(maxWavesOf(callsOf(120, 12))).toBe(12);
    expect(maxWavesOf(callsOf(120, 1))).toBe(1);
  });
});
