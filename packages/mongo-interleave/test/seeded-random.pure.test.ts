import { expect, test } from 'vitest';
import { seededRandom } from '../src/strategy/seeded-random.ts';

const SEEDS = Array.from({ length: 100 }, (_, seed) => seed);

test('the first numbers of neighbouring seeds lie everywhere in their range', () => {
  for (const nth of [0, 1, 2]) {
    const numbers = SEEDS.map((seed) => {
      const random = seededRandom(seed);
      return Array.from({ length: 3 }, random)[nth] ?? 0;
    });
    const quarters = Map.groupBy(numbers, (number) => Math.floor(4 * number));
    expect(new Set(quarters.keys())).toEqual(new Set([0, 1, 2, 3]));
    for (const inQuarter of quarters.values()) expect(inQuarter.length).toBeGreaterThan(10);
  }
});

test('the same seed gives the same numbers', () => {
  expect(Array.from({ length: 3 }, seededRandom(7))).toEqual(Array.from({ length: 3 }, seededRandom(7)));
});
