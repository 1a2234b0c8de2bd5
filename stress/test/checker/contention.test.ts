import { expect, test } from 'vitest';
import { hasRaced, measureContention } from '../../src/checker/contention.ts';
import { history, rotated, type Call } from '../support/histories.ts';

const call = (caller: number, invokedAtMs: number, completedAtMs: number): Call => [
  caller,
  'k1',
  rotated('b1'),
  invokedAtMs,
  completedAtMs,
];
const measure = (...calls: readonly Call[]) => measureContention(history(calls));

test.each([
  ['nobody called', [], 0, 0, false],
  ['one caller', [call(0, 0, 10)], 1, 0, false],
  ['one after the other', [call(0, 0, 10), call(1, 11, 20)], 1, 0, false],
  ['touching is not overlapping', [call(0, 0, 10), call(1, 10, 20)], 1, 0, false],
  ['two at once', [call(0, 0, 10), call(1, 9, 20)], 2, 1, true],
  ['one inside the other', [call(0, 0, 100), call(1, 10, 20), call(2, 30, 40)], 2, 2, true],
  ['written down in another order', [call(2, 30, 40), call(1, 10, 20), call(0, 0, 100)], 2, 2, true],
  ['one after the other, written down in another order', [call(1, 30, 40), call(0, 0, 10)], 1, 0, false],
  ['all at once', [call(0, 0, 10), call(1, 0, 10), call(2, 0, 10)], 3, 2, true],
] as const)('%s', (_, calls, overlap, contested, raced) => {
  const contention = measure(...calls);
  expect(contention).toEqual({ overlap, contested, conflicts: 0, lostRaces: 0 });
  expect(hasRaced(contention)).toBe(raced);
});

test('conflicts and lost races are taken over', () => {
  expect(measureContention({ ...history([]), conflicts: 3, lostRaces: 2 })).toMatchObject({
    conflicts: 3,
    lostRaces: 2,
  });
});
