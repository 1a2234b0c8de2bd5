import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

const UINT32_COUNT = 2 ** 32;

/**
 * A random number generator like `Math.random`, with a seed: the same seed gives the same numbers on every machine.
 *
 * @param seed an integer
 * @returns a function that returns the next number, from 0 up to but not including 1
 */
export function seededRandom(seed: number): () => number {
  const generator = xoroshiro128plus(seed);
  return () => (generator.next() >>> 0) / UINT32_COUNT;
}
