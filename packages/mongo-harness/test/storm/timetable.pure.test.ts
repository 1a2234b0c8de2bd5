import { expect, test } from 'vitest';
import { LEAD_MS, timetable } from '../../src/storm/timetable.ts';
import type { Seats } from '../support/seats-system.ts';

test('half of the callers come at once, most of the others meanwhile, and some when the fault is over', () => {
  const calls = Array.from({ length: 20 }, (_, caller) => ({ caller, call: { op: 'reserve', seat: 's1' } as const }));
  const starts = timetable<Seats>(calls, () => 0.5).map(({ start }) => start);
  expect(starts.filter((start) => start === LEAD_MS)).toHaveLength(10);
  expect(starts.filter((start) => start === LEAD_MS + 1_500)).toHaveLength(8);
  expect(starts.filter((start) => start === 'mended')).toHaveLength(2);
});
