import { expect, test } from 'vitest';
import { hasRaced, measureContention } from '../../src/history/contention.ts';
import { history, operation } from '../support/operations.ts';

test.each([
  ['nobody called', [], 0, 0, false],
  ['one caller', [operation(0, 0, 10)], 1, 0, false],
  ['one after the other', [operation(0, 0, 10), operation(1, 11, 20)], 1, 0, false],
  ['touching is not overlapping', [operation(0, 0, 10), operation(1, 10, 20)], 1, 0, false],
  ['two at once', [operation(0, 0, 10), operation(1, 9, 20)], 2, 1, true],
  ['one inside the other', [operation(0, 0, 100), operation(1, 10, 20), operation(2, 30, 40)], 2, 2, true],
  ['written down in another order', [operation(2, 30, 40), operation(1, 10, 20), operation(0, 0, 100)], 2, 2, true],
  ['one after the other, written down in another order', [operation(1, 30, 40), operation(0, 0, 10)], 1, 0, false],
  ['all at once', [operation(0, 0, 10), operation(1, 0, 10), operation(2, 0, 10)], 3, 2, true],
] as const)('%s', (_, operations, overlap, contested, raced) => {
  const contention = measureContention(history(operations));
  expect(contention).toEqual({ overlap, contested, conflicts: 0, lostRaces: 0 });
  expect(hasRaced(contention)).toBe(raced);
});

test('conflicts and lost races are taken over', () => {
  expect(measureContention(history([], { conflicts: 3, lostRaces: 2 }))).toMatchObject({
    conflicts: 3,
    lostRaces: 2,
  });
});
